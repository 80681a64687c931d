export {
  inSpan,
  type OpenSpan,
  startTracing,
  type TracePlace,
  traceHeaders,
  tracePlace,
  tracing,
} from './tracing.ts';
