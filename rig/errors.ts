/** Something the rig could not do. The message says what, and what to do about it. */
export class RigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RigError';
  }
}
