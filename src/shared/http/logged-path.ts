/** Longer than any path of ours, in characters. */
const LONGEST = 200;

/** A request's path as a log line has it: a stranger's may be as long as all headers together. */
export function loggedPath(path: string): string {
  return path.length > LONGEST ? `${path.slice(0, LONGEST)}…` : path;
}
