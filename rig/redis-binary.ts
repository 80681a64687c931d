import { systemProgram } from './system-program.ts';

/**
 * The Redis (or Valkey) server program: on the PATH, or installed with the system's package manager.
 * @param announce told, in one line, that something is about to be installed
 * @throws {RigError} saying how to get it
 */
export function redisBinary(announce: (line: string) => void): Promise<string> {
  return systemProgram(
    {
      what: 'Redis server',
      commands: ['redis-server', 'valkey-server'],
      packages: {
        apt: ['redis-server'],
        dnf: ['valkey', 'redis'],
        apk: ['redis', 'valkey'],
        pacman: ['valkey'],
        brew: ['redis'],
      },
    },
    announce,
  );
}
