/** The parts of OpenAPI 3.1 that our description uses. */

/** JSON Schema 2020-12. */
export type Schema = { readonly [keyword: string]: unknown };

export type Parameter = {
  name: string;
  in: 'query' | 'path' | 'header';
  required?: boolean;
  description: string;
  schema: Schema;
};

export type MediaType = { schema: Schema };

export type Response = {
  description: string;
  headers?: Record<string, { description: string; required?: boolean; schema: Schema }>;
  content?: Record<string, MediaType>;
};

export type Method = 'get' | 'post' | 'delete';

export type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; description?: string; content: Record<string, MediaType> };
  responses: Record<string, Response>;
};

export type Paths = Record<string, Partial<Record<Method, Operation>>>;

export type OpenApi = {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string };
  servers: { url: string; description?: string }[];
  tags: { name: string; description: string }[];
  paths: Paths;
  components: { securitySchemes: Record<string, Schema> };
};
