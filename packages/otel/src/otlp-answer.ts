/** What a receiver answers, in protobuf or JSON: how many spans it rejected, or why it refuses a request. */

/** An answer as it came. */
export interface OtlpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  readonly body: Uint8Array;
}

/** Spans that a receiver did not take although it answered 200, and why. */
export interface PartialSuccess {
  readonly rejectedSpans: number;
  readonly message: string;
}

const MAX_MESSAGE = 300;
const decoder = new TextDecoder();

/** ExportTraceServiceResponse. A body that cannot be read rejects nothing: what counts is the status. */
export function partialSuccessIn({ contentType, body }: OtlpAnswer): PartialSuccess {
  if (contentType.includes('json')) return partialSuccessOfJson(decoder.decode(body));
  const partial = fieldsOf(body)?.get(1);
  const fields = partial instanceof Uint8Array ? fieldsOf(partial) : undefined;
  const [rejected, message] = [fields?.get(1), fields?.get(2)];
  return {
    rejectedSpans: typeof rejected === 'number' && rejected > 0 ? rejected : 0,
    message: message instanceof Uint8Array ? shown(decoder.decode(message)) : '',
  };
}

/** Whether it is a page for people, as proxies, logins and apps answer to whatever they are asked: no receiver has taken anything. */
export function isPage({ contentType, body }: OtlpAnswer): boolean {
  return contentType.includes('html') && /^\s*<(!doctype|html)/i.test(decoder.decode(body));
}

/** Why a request was refused, in the receiver's words; '' where it says nothing. */
export function refusalIn({ contentType, body }: OtlpAnswer): string {
  if (contentType.includes('protobuf')) {
    const message = fieldsOf(body)?.get(2);
    return message instanceof Uint8Array ? shown(decoder.decode(message)) : '';
  }
  const text = decoder.decode(body);
  if (contentType.includes('json')) {
    const { message, error } = objectIn(text);
    if (typeof message === 'string') return shown(message);
    if (typeof error === 'string') return shown(error);
  }
  return contentType.includes('html') ? '' : shown(text);
}

function partialSuccessOfJson(text: string): PartialSuccess {
  const { partialSuccess } = objectIn(text);
  const { rejectedSpans, errorMessage } = (partialSuccess ?? {}) as Readonly<Record<string, unknown>>;
  const count = Number(rejectedSpans ?? 0);
  return {
    rejectedSpans: Number.isSafeInteger(count) && count > 0 ? count : 0,
    message: typeof errorMessage === 'string' ? shown(errorMessage) : '',
  };
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The last value of each field of a protobuf message: a number, or the bytes of what is nested. Undefined for damaged bytes. */
function fieldsOf(bytes: Uint8Array): Map<number, number | Uint8Array> | undefined {
  const fields = new Map<number, number | Uint8Array>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; at < bytes.length; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) fields.set(Math.floor(tag / 8), varint());
    else if (wire === 2) {
      const length = varint();
      if (!(at + length <= bytes.length)) return undefined;
      fields.set(Math.floor(tag / 8), bytes.subarray(at, at + length));
      at += length;
    } else if (wire === 1 || wire === 5) at += wire === 1 ? 8 : 4;
    else return undefined;
  }
  return fields;
}

/** One line, not too long, and nothing in it that a terminal would obey. */
function shown(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line;
}
