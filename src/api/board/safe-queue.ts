import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Job } from 'bullmq';
import type { QueueName, QueueOf } from '../../shared/queues/index.ts';
import { safeData, safeReport } from './safe-data.ts';
import { safeStack, safeText } from './safe-text.ts';

type Jobs = Awaited<ReturnType<BullMQAdapter['getJobs']>>;
type Statuses = Parameters<BullMQAdapter['getJobs']>[0];
type Schedulers = Awaited<ReturnType<BullMQAdapter['getJobSchedulers']>>;

/** Of a job's options; tracing puts its own beside them. */
const SHOWN_OPTIONS = [
  'attempts',
  'backoff',
  'delay',
  'jobId',
  'priority',
  'removeOnComplete',
  'removeOnFail',
  'repeat',
  'timestamp',
];

/**
 * A queue as the board sees it. What a job holds is made safe where the board takes it from the queue, not where it is
 * printed, so that no route of the board, present or to come, has the rest.
 */
export class SafeQueue extends BullMQAdapter {
  readonly #name: QueueName;

  constructor(queue: QueueOf<QueueName>, options: { readOnlyMode: boolean }) {
    super(queue, options);
    this.#name = queue.name as QueueName;
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id);
    return job && this.#safe(job);
  }

  override async getJobs(statuses: Statuses, start?: number, end?: number): Promise<Jobs> {
    return (await super.getJobs(statuses, start, end)).map((job) => this.#safe(job));
  }

  override async getJobLogs(id: string): Promise<string[]> {
    return (await super.getJobLogs(id)).map(safeText);
  }

  override async getJobSchedulers(): Promise<Schedulers> {
    const schedulers = await super.getJobSchedulers();
    return schedulers.map((scheduler) =>
      scheduler.template === undefined
        ? scheduler
        : { ...scheduler, template: { data: safeData(this.#name, scheduler.template.data) } },
    );
  }

  /** Flows bring jobs of their own making past us. No job of ours has children. */
  override async getFlowProducer(): Promise<null> {
    return null;
  }

  /** Everything the board prints of a job, it takes from `toJSON`; retrying and promoting need only its id. */
  #safe(job: Job): Job {
    const raw = job.toJSON();
    const safe: typeof raw = {
      ...raw,
      data: safeData(this.#name, raw.data),
      progress: safeReport(raw.progress) as typeof raw.progress,
      returnvalue: safeReport(raw.returnvalue),
      failedReason: raw.failedReason && safeText(raw.failedReason),
      stacktrace: raw.stacktrace?.map((stack) => safeStack(String(stack))) ?? null,
      deferredFailure: raw.deferredFailure && safeText(raw.deferredFailure),
      opts: Object.fromEntries(Object.entries(raw.opts).filter(([name]) => SHOWN_OPTIONS.includes(name))),
    };
    job.toJSON = () => safe;
    return job;
  }
}
