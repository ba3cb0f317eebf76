/**
 * OTLP in JSON, as the OTLP specification maps protobuf to it: ids as hexadecimal digits, 64-bit integers as text, enums as numbers.
 * Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
import type { OtlpBatch, OtlpSource } from './otlp-batch.ts';
import type { Epoch } from './otlp-epoch.ts';
import type {
  OtlpAttributes,
  OtlpEvent,
  OtlpLink,
  OtlpResource,
  OtlpScope,
  OtlpSpan,
  OtlpValue,
} from './otlp-span.ts';

/** Makes batches of JSON. */
export function createJsonBatch({ resource, epoch }: OtlpSource): OtlpBatch {
  const head = `{"resourceSpans":[{${resourceText(resource)}"scopeSpans":[`;
  const tail = ']}]}';
  const frame = Buffer.byteLength(head) + tail.length;
  const parts: string[] = [];
  let scope: OtlpScope | undefined;
  let length = 0;
  let byteLength = frame;
  let last = 0;
  return {
    contentType: 'application/json',
    get length() {
      return length;
    },
    get byteLength() {
      return byteLength;
    },
    add(span) {
      if (scope !== span.scope) {
        const begin = `${scope === undefined ? '' : ']},'}${scopeText(span.scope)}`;
        parts.push(begin);
        byteLength += Buffer.byteLength(begin) + 2;
        scope = span.scope;
      } else if (parts.length > 0 && !parts[parts.length - 1]!.endsWith('[')) parts.push(',');
      const text = spanText(span, epoch);
      last = Buffer.byteLength(text) + 1;
      byteLength += last;
      length++;
      parts.push(text);
    },
    undo() {
      parts.pop();
      if (parts[parts.length - 1] === ',') parts.pop();
      byteLength -= last;
      length--;
    },
    take() {
      const bytes = Buffer.from(`${head}${parts.join('')}${scope === undefined ? '' : ']}'}${tail}`);
      parts.length = 0;
      scope = undefined;
      length = 0;
      byteLength = frame;
      return bytes;
    },
  };
}

function resourceText({ attributes, droppedAttributes, schemaUrl }: OtlpResource): string {
  const own = `"attributes":${attributesText(attributes)}${droppedText('Attributes', droppedAttributes)}`;
  return `"resource":{${own}},${schemaText(schemaUrl)}`;
}

function scopeText({ name, version, attributes, droppedAttributes, schemaUrl }: OtlpScope): string {
  const own =
    `"name":${JSON.stringify(name)},"version":${JSON.stringify(version)}` +
    (attributes.length === 0 ? '' : `,"attributes":${attributesText(attributes)}`) +
    droppedText('Attributes', droppedAttributes);
  return `{"scope":{${own}},${schemaText(schemaUrl)}"spans":[`;
}

function schemaText(url: string): string {
  return url === '' ? '' : `"schemaUrl":${JSON.stringify(url)},`;
}

function droppedText(what: string, count: number): string {
  return count === 0 ? '' : `,"dropped${what}Count":${count}`;
}

function spanText(span: OtlpSpan, epoch: Epoch): string {
  const { shared } = span;
  if (typeof shared.encoded !== 'string') shared.encoded = listText(shared.list);
  const own = listText(span.attributes);
  const separator = shared.encoded !== '' && own !== '' ? ',' : '';
  const { parentSpanId, events, links, status } = span;
  return (
    `{"traceId":"${span.traceId}","spanId":"${span.spanId}",` +
    contextText(span) +
    (parentSpanId === '' ? '' : `"parentSpanId":"${parentSpanId}",`) +
    `"name":${JSON.stringify(span.name)},"kind":${span.kind},` +
    `"startTimeUnixNano":"${epoch.digits(span.start)}","endTimeUnixNano":"${epoch.digits(span.end)}",` +
    `"attributes":[${shared.encoded}${separator}${own}]` +
    droppedText('Attributes', span.droppedAttributes) +
    (events.length === 0 ? '' : `,"events":[${events.map((each) => eventText(each, epoch)).join(',')}]`) +
    droppedText('Events', span.droppedEvents) +
    (links.length === 0 ? '' : `,"links":[${links.map(linkText).join(',')}]`) +
    droppedText('Links', span.droppedLinks) +
    `,"status":${statusText(status, span.statusMessage)}}`
  );
}

function statusText(status: number, message: string): string {
  if (status === 0) return '{}';
  return message === '' ? `{"code":${status}}` : `{"message":${JSON.stringify(message)},"code":${status}}`;
}

function eventText({ name, time, attributes, droppedAttributes }: OtlpEvent, epoch: Epoch): string {
  const own = `"attributes":${attributesText(attributes)}${droppedText('Attributes', droppedAttributes)}`;
  return `{"timeUnixNano":"${epoch.digits(time)}","name":${JSON.stringify(name)},${own}}`;
}

function linkText(link: OtlpLink): string {
  const own = `"attributes":${attributesText(link.attributes)}${droppedText('Attributes', link.droppedAttributes)}`;
  return `{"traceId":"${link.traceId}","spanId":"${link.spanId}",${contextText(link)}${own}}`;
}

function contextText({ traceState, flags }: Pick<OtlpSpan, 'traceState' | 'flags'>): string {
  return (
    (traceState === '' ? '' : `"traceState":${JSON.stringify(traceState)},`) +
    (flags === 0 ? '' : `"flags":${flags},`)
  );
}

function attributesText(attributes: OtlpAttributes): string {
  return `[${listText(attributes)}]`;
}

function listText(attributes: OtlpAttributes): string {
  return attributes
    .map(([key, value]) => `{"key":${JSON.stringify(key)},"value":${valueText(value)}}`)
    .join(',');
}

function valueText(value: OtlpValue): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${JSON.stringify(value)}}`;
    case 'boolean':
      return `{"boolValue":${value}}`;
    case 'number':
      return Number.isSafeInteger(value) ? `{"intValue":"${value}"}` : `{"doubleValue":${value}}`;
    default:
      if (value === null) return '{}';
      if (Array.isArray(value)) {
        return `{"arrayValue":{"values":[${(value as readonly OtlpValue[]).map(valueText).join(',')}]}}`;
      }
      return `{"kvlistValue":{"values":${attributesText(Object.entries(value))}}}`;
  }
}
