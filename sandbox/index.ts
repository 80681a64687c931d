export { CARDS, type TestCard } from './billing/cards.ts';
export type { CollectResult } from './billing/collecting.ts';
export {
  type BillingSettings,
  type DeliverySettings,
  type EndpointSettings,
  NEWEST_VERSION,
  optionsFromEnvironment,
  type SandboxOptions,
} from './config.ts';
export type { CheckoutOutcome } from './control/control.ts';
export type { Delivery, ReleaseOptions } from './deliveries/deliveries.ts';
export type { DeliveryRules } from './deliveries/rules.ts';
export { signatureHeader } from './deliveries/signature.ts';
export type { Fault } from './http/faults.ts';
export { createSandbox, type Sandbox, type Summary } from './sandbox.ts';
