/** The part of a socket (plain or TLS) that is used here. */
export type CorkableStream = { cork(): void; uncork(): void };

/**
 * Makes what is written to a stream within one turn leave in one system call. The returned function is to be called
 * before each write.
 * @param streamOf the stream of the moment, undefined while there is no connection
 * @param endOfTurn calls back when the turn is over
 */
export function gatheredWrites(
  streamOf: () => CorkableStream | undefined,
  endOfTurn: (callback: () => void) => void,
): () => void {
  let gathering = false;
  return () => {
    const stream = streamOf();
    if (gathering || stream === undefined) return;
    gathering = true;
    stream.cork();
    endOfTurn(() => {
      gathering = false;
      stream.uncork();
    });
  };
}
