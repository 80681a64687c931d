import { z } from 'zod';
import { channelName } from './internal-body.ts';

const withChannel = z.object({ channel: channelName });

const clientFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ping') }),
  z.object({ type: z.literal('subscribe'), data: withChannel }),
  z.object({ type: z.literal('unsubscribe'), data: withChannel }),
]);

/** What a browser may say over its WebSocket. */
export type ClientFrame = z.output<typeof clientFrame>;

/** Reads a browser's frame; `undefined` when it is none of the known ones. */
export function parseClientFrame(text: string): ClientFrame | undefined {
  try {
    return clientFrame.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export const PONG = JSON.stringify({ type: 'pong' });

export function connectionAck(userId: string): string {
  return JSON.stringify({ type: 'connection_ack', data: { status: 'connected', user_id: userId } });
}

export function subscriptionAck(channel: string): string {
  return JSON.stringify({ type: 'subscription_ack', data: { channel, status: 'subscribed' } });
}

export function unsubscriptionAck(channel: string): string {
  return JSON.stringify({ type: 'unsubscription_ack', data: { channel, status: 'unsubscribed' } });
}

/** @param code a machine word, @param message what to do about it */
export function errorFrame(code: string, message: string): string {
  return JSON.stringify({ type: 'error', data: { code, message } });
}
