/**
 * The `legacy_event` part of a TrackEvent: an event of Chrome JSON in protobuf clothes, with a phase letter, ids and a
 * duration in microseconds. Chrome's own Perfetto traces consist of these in part.
 */
import type { EventContext } from './perfetto-event-reader.ts';
import { Legacy } from './perfetto-fields.ts';
import { FlowPart } from './perfetto-flows.ts';
import { BYTES, type ProtobufInput } from './protobuf-input.ts';

/** What the event around it says. */
export interface LegacyPlace {
  readonly place: number;
  readonly pid: number;
  readonly name: number;
  readonly category: number;
  readonly time: number;
  readonly args: number;
}

/** Values of `Legacy.flowDirection`. */
const FLOW_PARTS: readonly (FlowPart | undefined)[] = [undefined, FlowPart.in, FlowPart.out, FlowPart.step];
const PROCESS_SCOPE = 2;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class LegacyEvent {
  nameIid = 0;
  /** -1 = not overridden. */
  pid = -1;
  tid = -1;
  #phase = '';
  #durationMicros = -1;
  #id = '';
  #scope = '';
  #bindId = '';
  #flowDirection = 0;
  #instantScope = 0;

  read(input: ProtobufInput): void {
    this.nameIid = 0;
    this.pid = -1;
    this.tid = -1;
    this.#phase = '';
    this.#durationMicros = -1;
    this.#id = '';
    this.#scope = '';
    this.#bindId = '';
    this.#flowDirection = 0;
    this.#instantScope = 0;
    while (input.next()) this.#readField(input);
  }

  #readField(input: ProtobufInput): void {
    switch (input.tag) {
      case Legacy.nameIid << 3:
        this.nameIid = input.uint();
        break;
      case Legacy.phase << 3:
        this.#phase = String.fromCharCode(input.uint() & 0x7f);
        break;
      case Legacy.durationMicros << 3:
        this.#durationMicros = input.int();
        break;
      case Legacy.unscopedId << 3:
      case Legacy.localId << 3:
      case Legacy.globalId << 3:
        input.uint();
        this.#id = `0x${input.big.toString(16)}`;
        break;
      case Legacy.bindId << 3:
        input.uint();
        this.#bindId = `0x${input.big.toString(16)}`;
        break;
      case Legacy.flowDirection << 3:
        this.#flowDirection = input.uint();
        break;
      case Legacy.instantScope << 3:
        this.#instantScope = input.uint();
        break;
      case Legacy.pidOverride << 3:
        this.pid = input.int();
        break;
      case Legacy.tidOverride << 3:
        this.tid = input.int();
        break;
      case (Legacy.idScope << 3) | BYTES: {
        const outer = input.enter();
        if (!input.isDamaged) this.#scope = decoder.decode(input.bytes.subarray(input.at, input.end));
        input.leave(outer);
        break;
      }
      default:
        input.skip();
    }
  }

  /** Adds what the phase says to the builder. */
  emit(context: EventContext, at: LegacyPlace): void {
    const { builder } = context;
    const { place, name, category, time, args } = at;
    switch (this.#phase) {
      case 'B':
        builder.begin(place, name, category, time, args);
        break;
      case 'E':
        builder.end(place, time, args);
        break;
      case 'X':
        if (this.#durationMicros < 0) builder.begin(place, name, category, time, args);
        else builder.slice(place, name, category, time, this.#durationMicros * 1000, args);
        break;
      case 'I':
      case 'i':
      case 'R': {
        const isProcess = this.#instantScope === PROCESS_SCOPE;
        builder.instant(isProcess ? builder.processTrack(at.pid) : place, name, category, time, args);
        break;
      }
      case 's':
      case 't':
      case 'f': {
        const part = this.#phase === 's' ? FlowPart.out : this.#phase === 't' ? FlowPart.step : FlowPart.in;
        context.flows.add(
          `legacy ${this.#scope} ${this.#bindId || this.#id}`,
          part,
          place,
          name,
          category,
          time,
        );
        break;
      }
      default:
        this.#emitAsync(context, at);
    }
    const part = FLOW_PARTS[this.#flowDirection];
    if (part !== undefined && this.#bindId !== '') {
      context.flows.add(`bind ${this.#bindId}`, part, place, name, category, time);
    }
  }

  #emitAsync({ builder }: EventContext, { pid, name, category, time, args }: LegacyPlace): void {
    if (!'bneSTpF'.includes(this.#phase) || this.#phase === '') {
      builder.skip(`legacy event of phase ${JSON.stringify(this.#phase)}`);
      return;
    }
    const scope = this.#scope || builder.strings.text(category);
    const track = builder.asyncTrack(pid, scope, this.#id, builder.strings.text(name));
    if (this.#phase === 'b' || this.#phase === 'S') builder.begin(track, name, category, time, args);
    else if (this.#phase === 'e' || this.#phase === 'F') builder.end(track, time, args);
    else builder.instant(track, name, category, time, args);
  }
}
