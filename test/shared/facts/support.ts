import { expect } from 'chai';
import { PermanentError } from '../../../src/shared/errors.ts';
import { RENDERINGS, type Rendering, type StripeObject } from '../../support/fixtures/stripe-shapes.ts';

/** Unix seconds of a UTC moment. */
export function at(moment: string): number {
  return Date.parse(`${moment}Z`) / 1_000;
}

export function date(moment: string): Date {
  return new Date(`${moment}Z`);
}

/** Holds a reader to telling the same facts of one story in every version there is. */
export function expectSameFacts<F>(
  read: (object: unknown) => F,
  render: (rendering: Rendering) => StripeObject,
  expected: Partial<F> | ((rendering: Rendering) => Partial<F>),
): void {
  for (const rendering of RENDERINGS) {
    const facts = read(overTheWire(render(rendering)));
    const wanted = typeof expected === 'function' ? expected(rendering) : expected;
    expect(facts, `${rendering.version}, rendered ${rendering.at}`).to.deep.include(wanted);
  }
}

/** What JSON makes of an object; also adds a field that no version has yet. */
export function overTheWire(object: StripeObject): unknown {
  return JSON.parse(JSON.stringify({ ...object, invented_in_2030: { nested: [1, '2', null] } }));
}

/** Holds a reader to refusing a shape, naming the object and the field. */
export function expectRefusal(
  read: (object: unknown) => unknown,
  object: unknown,
  names: readonly string[],
): void {
  let thrown: unknown;
  try {
    read(object);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).to.be.instanceOf(PermanentError);
  for (const name of names) expect((thrown as PermanentError).message).to.include(name);
}
