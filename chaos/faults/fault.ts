/** Something that is broken for a while. */
export type Fault = {
  /** For the timeline. */
  readonly name: string;
  /** What it breaks; two faults never break the same thing at once. */
  readonly target: string;
  /** How long it lasts, in milliseconds. */
  readonly forMs: number;
  begin(): Promise<void> | void;
  /** Puts it right again; resolves when the thing works. */
  end(): Promise<void> | void;
};
