import type { Random } from '../../chaos/random.ts';
import type { FuzzRequest } from '../request.ts';
import type { World } from '../world.ts';
import { forgedEvent, genuineEvent, strangeEvent } from './events.ts';
import { brokenFraming } from './framing.ts';
import { borrowedIdentity, forgedIdentity, genuineIdentity } from './identities.ts';
import { forgedKey } from './keys.ts';
import { noise } from './noise.ts';

/** Makes the request of a number: the same seed and number give the same one, but for times and signatures. */
export function drawRequest(number: number, random: Random, world: World): FuzzRequest {
  return random.weighted<() => FuzzRequest>([
    [25, () => forgedEvent(number, random, world)],
    [3, () => strangeEvent(number, random, world)],
    [1, () => genuineEvent(number, random, world)],
    [25, () => forgedIdentity(random, world)],
    [5, () => borrowedIdentity(random, world)],
    [1, () => genuineIdentity(random, world)],
    [10, () => forgedKey(random, world)],
    [20, () => noise(random, world)],
    [10, () => brokenFraming(random, world)],
  ])();
}
