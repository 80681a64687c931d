import { failures } from '../codes.ts';
import { object, text } from '../schemas.ts';
import type { Paths, Response } from '../types.ts';

const html = (description: string): Response => ({
  description,
  content: { 'text/html': { schema: { type: 'string' } } },
});

const elsewhere = (description: string): Response => ({
  description,
  headers: { location: { description: 'where', required: true, schema: { type: 'string' } } },
});

const away = failures('route_not_found', 'board_unavailable');
const FOR_BOARD = [{ boardSession: [] }];

/** Bull Board's own calls belong to its page and are not described here. */
export const boardPaths: Paths = {
  '/admin/queues': {
    get: {
      operationId: 'showBoard',
      tags: ['board'],
      summary: 'Bull Board: the queues, with retry and promote',
      description: '404 unless `BOARD_USERS`, or `BOARD_USER` and `BOARD_PASSWORD`, are configured.',
      security: FOR_BOARD,
      responses: { 200: html('The board'), 303: elsewhere('To the login'), ...away },
    },
  },
  '/admin/queues/login': {
    get: {
      operationId: 'showLogin',
      tags: ['board'],
      summary: 'The login page of the board',
      security: [],
      responses: { 200: html('The page'), ...failures('route_not_found') },
    },
    post: {
      operationId: 'logIn',
      tags: ['board'],
      summary: 'Logs in; only from that page',
      security: [],
      requestBody: {
        required: true,
        content: {
          'application/x-www-form-urlencoded': { schema: object({ user: text(), password: text() }) },
        },
      },
      responses: {
        303: elsewhere('To the board, with a cookie'),
        401: html('User or password is wrong'),
        429: html('Too many attempts'),
        ...failures(
          'other_origin',
          'route_not_found',
          'body_too_slow',
          'body_too_large',
          'too_many_bodies',
          'board_unavailable',
        ),
      },
    },
  },
  '/admin/queues/logout': {
    get: {
      operationId: 'showLogout',
      tags: ['board'],
      summary: 'Asks whether to log out',
      security: FOR_BOARD,
      responses: { 200: html('The page'), 303: elsewhere('To the login'), ...away },
    },
    post: {
      operationId: 'logOut',
      tags: ['board'],
      summary: 'Ends the login',
      security: FOR_BOARD,
      responses: {
        303: elsewhere('To the login'),
        ...failures('unauthorized', 'other_origin', 'route_not_found', 'board_unavailable'),
      },
    },
  },
};
