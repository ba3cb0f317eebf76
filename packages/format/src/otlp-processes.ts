/**
 * The processes of an OTLP file: one for each resource that differs, named after its service. Its pid is the one that the resource says
 * where it is the only one of that pid, as in containers all are; else a number past every pid that Linux gives.
 */
import type { PlainObject } from './otlp-span-fields.ts';
import type { TraceBuilder } from './trace-builder.ts';
import { MetadataName } from './vocabulary.ts';

const FIRST_OWN_PID = (1 << 22) + 1;
/** Resources whose attributes are kept as facts of the trace. */
const MAX_KEPT = 500;

/** A resource: attributes, how many more it had, and the address of their schema, '' for none. */
interface Resource {
  readonly attributes: PlainObject;
  readonly dropped: number;
  readonly schema: string;
}

export class OtlpProcesses {
  readonly #resources: Resource[] = [];

  /** Number of a resource that begins. */
  begin(): number {
    return this.#resources.push({ attributes: {}, dropped: 0, schema: '' }) - 1;
  }

  /** Says what a resource is. */
  describe(resource: number, attributes: PlainObject, dropped: number): void {
    this.#resources[resource] = { ...this.#resources[resource]!, attributes, dropped };
  }

  setSchema(resource: number, schema: string): void {
    this.#resources[resource] = { ...this.#resources[resource]!, schema };
  }

  /** Makes the processes; returns pids by the number of the resource. */
  place(builder: TraceBuilder): number[] {
    const byText = new Map<string, number>();
    const used = new Set<number>();
    return this.#resources.map((resource) => {
      const { attributes } = resource;
      const text = JSON.stringify(attributes);
      const facts = factsText(resource);
      const known = byText.get(text + facts);
      if (known !== undefined) return known;
      const pid = pidOf(attributes, used, byText.size);
      byText.set(text + facts, pid);
      used.add(pid);
      builder.process(pid).name = nameOf(attributes);
      if (text === '{}' && facts === '{}') return pid;
      if (byText.size > MAX_KEPT) {
        builder.skip('attributes of a resource past the limit');
        return pid;
      }
      builder.metadata.set(`${MetadataName.resource} ${pid}`, text);
      if (facts !== '{}') builder.metadata.set(`${MetadataName.resourceFacts} ${pid}`, facts);
      return pid;
    });
  }
}

function factsText({ schema, dropped }: Resource): string {
  return JSON.stringify({
    ...(schema === '' ? {} : { schema_url: schema }),
    ...(dropped === 0 ? {} : { dropped_attributes: dropped }),
  });
}

function pidOf(attributes: PlainObject, used: ReadonlySet<number>, count: number): number {
  const pid = attributes['process.pid'];
  const isGood = typeof pid === 'number' && Number.isInteger(pid) && pid > 0 && pid < FIRST_OWN_PID;
  return isGood && !used.has(pid) ? pid : FIRST_OWN_PID + count;
}

function nameOf(attributes: PlainObject): string {
  const name = attributes['service.name'];
  return typeof name === 'string' && name !== '' ? name : 'unknown service';
}
