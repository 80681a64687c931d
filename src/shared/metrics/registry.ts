import { Registry } from 'prom-client';

/**
 * What this process counts as it works. One for the process, like the counters themselves: counting must be possible
 * anywhere without handing a collection around, and costs nothing to speak of while nobody asks (`METRICS_PORT`).
 */
export const registry = new Registry();

/** Bounds of histograms of how long something took here, in seconds. */
export const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
