/**
 * OpenTelemetry as a service sets it up, with ttrace beside it: one span processor more.
 *
 * Spans go to a collector if OTEL_EXPORTER_OTLP_ENDPOINT says where one is, and into the trace in any case.
 */
import { createRequire } from 'node:module';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { TtraceSpanProcessor } from '@ttrace/otel';

const hasCollector = process.env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;

const provider: NodeTracerProvider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'orders' }),
  spanProcessors: [
    ...(hasCollector ? [new BatchSpanProcessor(new OTLPTraceExporter())] : []),
    new TtraceSpanProcessor(),
  ],
});
provider.register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()] });
// The instrumentation of http sees what is required; what it patches there, servers have wherever they come from.
createRequire(import.meta.url)('node:http');

/** Sends what has not been sent yet. */
export async function shutDown(): Promise<void> {
  await provider.shutdown();
}
