export { eventJobId } from './event-job-id.ts';
export {
  type JobData,
  type MaintenanceJob,
  type NotificationJob,
  QUEUE_NAMES,
  type QueueName,
  type StripeEventJob,
} from './names.ts';
export { JOB_OPTIONS, retryDelayMs, WORKER_SETTINGS } from './options.ts';
export { openQueue, type QueueOf } from './queues.ts';
