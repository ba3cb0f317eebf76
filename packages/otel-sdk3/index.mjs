// What a program with the newest OpenTelemetry SDK imports: its own copy of the API, which differs from the one of the tests.
export * as api from '@opentelemetry/api';
export { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
export { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
