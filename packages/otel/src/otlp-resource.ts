/** Who the spans of a process come from, as OpenTelemetry's resource attributes. */
import { readFileSync } from 'node:fs';
import { MetadataName, type Process, type Trace } from '@ttrace/format';
import { parsedArguments, uint32In } from './otlp-arguments.ts';
import { type CutCounter, safeEntries, safeText } from './otlp-safe-value.ts';
import type { OtlpAttributes, OtlpResource, OtlpValue } from './otlp-span.ts';

/** `process.platform` and `process.arch` where OpenTelemetry has another word. */
const SYSTEMS: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris' };
const PROCESSORS: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'x86', arm: 'arm32' };

/** What the environment says of every process. */
export interface GivenResource {
  /** OTEL_SERVICE_NAME. */
  readonly serviceName: string | undefined;
  /** OTEL_RESOURCE_ATTRIBUTES. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** The resource of one process. What is given counts more than what the trace says; a file of OTLP has its own. */
export function resourceOf(
  trace: Trace,
  { pid, name }: Process,
  given: GivenResource,
  counter: CutCounter,
): OtlpResource {
  const attributes = new Map<string, OtlpValue>([
    ['service.name', name === '' ? 'unknown_service:node' : safeText(name, counter)],
    ['telemetry.sdk.name', 'ttrace'],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.version', ownVersion()],
  ]);
  const kept = keptResource(trace, pid, counter);
  if (kept !== undefined) for (const [key, value] of kept) attributes.set(key, value);
  else {
    attributes.set('process.pid', pid);
    for (const [key, value] of runtimeOf(trace)) attributes.set(key, value);
  }
  for (const [key, value] of given.attributes) attributes.set(key, value);
  if (given.serviceName !== undefined) attributes.set('service.name', given.serviceName);
  const { schema_url, dropped_attributes } = factsOf(trace, pid);
  return {
    attributes: [...attributes],
    droppedAttributes: uint32In(dropped_attributes),
    schemaUrl: typeof schema_url === 'string' ? safeText(schema_url, counter) : '',
  };
}

/** What a file of OTLP says of a resource beside its attributes. */
function factsOf(trace: Trace, pid: number): Readonly<Record<string, unknown>> {
  return parsedArguments(trace.metadata.get(`${MetadataName.resourceFacts} ${pid}`) ?? '');
}

/** The resource that a file of OTLP gives for a process. */
function keptResource(trace: Trace, pid: number, counter: CutCounter): OtlpAttributes | undefined {
  const text = trace.metadata.get(`${MetadataName.resource} ${pid}`);
  if (text === undefined) return undefined;
  return safeEntries(JSON.parse(text) as Readonly<Record<string, unknown>>, counter);
}

function runtimeOf(trace: Trace): [string, string][] {
  const text = trace.metadata.get(MetadataName.recording);
  if (text === undefined) return [];
  const { node, platform } = JSON.parse(text) as { node?: unknown; platform?: unknown };
  const found: [string, string][] = [];
  if (typeof node === 'string') {
    found.push(['process.runtime.name', 'nodejs'], ['process.runtime.version', node.replace(/^v/, '')]);
  }
  if (typeof platform === 'string') {
    const [system = '', processor = ''] = platform.split('-');
    found.push(['os.type', SYSTEMS[system] ?? system]);
    if (processor !== '') found.push(['host.arch', PROCESSORS[processor] ?? processor]);
  }
  return found;
}

let version: string | undefined;

/** The version of this package. */
export function ownVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  version ??= (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  return version;
}
