/**
 * The scopes of an OTLP file, by number: spans name theirs, and its arguments are put among those of the spans when all is read, because
 * what a scope says may stand behind its spans. The Collector writes its schema there.
 */
import { attributesObjectText, droppedAttributesOf, parsedObject } from './otlp-span-fields.ts';

const encoder = new TextEncoder();

export class OtlpScopes {
  /** Members of JSON, each with a comma before it: what a scope says of itself, and its schema. */
  readonly #facts: string[] = [];
  readonly #schemas: string[] = [];

  /** Number of a scope that begins. */
  begin(): number {
    this.#schemas.push('');
    return this.#facts.push('') - 1;
  }

  /** @param text `InstrumentationScope` as JSON. @param defects What of it cannot be read is added to them. */
  describe(scope: number, text: string, defects: string[]): void {
    const given = parsedObject(text) ?? {};
    const attributes = attributesObjectText(given.attributes);
    const dropped = droppedAttributesOf(given, defects);
    this.#facts[scope] =
      textMember('scope', given.name) +
      textMember('scope_version', given.version) +
      (attributes === '{}' ? '' : `,"scope_attributes":${attributes}`) +
      (dropped === 0 ? '' : `,"scope_dropped_attributes":${dropped}`);
  }

  /** Says in which version of the conventions the spans of a scope are written. */
  setSchema(scope: number, url: string): void {
    this.#schemas[scope] = textMember('scope_schema_url', url);
  }

  /** Arguments by number, each with a comma before it; equal ones are the same bytes. */
  arguments(): readonly Uint8Array[] {
    const known = new Map<string, Uint8Array>();
    return this.#facts.map((facts, scope) => {
      const text = facts + this.#schemas[scope];
      const bytes = known.get(text) ?? encoder.encode(text);
      known.set(text, bytes);
      return bytes;
    });
  }
}

function textMember(name: string, value: unknown): string {
  return typeof value === 'string' && value !== '' ? `,"${name}":${JSON.stringify(value)}` : '';
}
