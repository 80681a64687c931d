export { createWebhookIntake, isWebhookPath } from './intake.ts';
