/** The run's Redis, shared with other suites: stories use users, keys and channels of their own. */
export function sharedRedisUrl(): string {
  const url = process.env.TEST_REDIS_URL;
  if (!url) throw new Error('TEST_REDIS_URL is missing: run the tests through mocha, which starts a Redis');
  return url;
}
