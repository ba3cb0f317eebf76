/**
 * Field numbers of Perfetto's protobuf messages, as far as ttrace writes or reads them.
 * Source: protos/perfetto/trace in github.com/google/perfetto. Names are the messages' and fields' own, in camel case.
 */

export const TRACE_PACKET = 1;

export const Packet = {
  clockSnapshot: 6,
  timestamp: 8,
  sequenceId: 10,
  trackEvent: 11,
  internedData: 12,
  sequenceFlags: 13,
  incrementalStateCleared: 41,
  previousPacketDropped: 42,
  processDescriptor: 43,
  threadDescriptor: 44,
  compressedPackets: 50,
  timestampClockId: 58,
  defaults: 59,
  trackDescriptor: 60,
} as const;

/** Bits of `Packet.sequenceFlags`. */
export const SequenceFlag = { cleared: 1, needsState: 2 } as const;

export const Defaults = { trackEvent: 11, timestampClockId: 58 } as const;

export const Event = {
  timestampDeltaMicros: 1,
  categoryIids: 3,
  debugAnnotations: 4,
  legacyEvent: 6,
  type: 9,
  nameIid: 10,
  trackUuid: 11,
  extraCounterValues: 12,
  timestampAbsoluteMicros: 16,
  categories: 22,
  name: 23,
  counterValue: 30,
  extraCounterTracks: 31,
  flowIdsOld: 36,
  terminatingFlowIdsOld: 42,
  doubleCounterValue: 44,
  extraDoubleCounterTracks: 45,
  extraDoubleCounterValues: 46,
  flowIds: 47,
  terminatingFlowIds: 48,
} as const;

/** Values of `Event.type`. */
export const EventType = { unspecified: 0, begin: 1, end: 2, instant: 3, counter: 4 } as const;

export const Legacy = {
  nameIid: 1,
  phase: 2,
  durationMicros: 3,
  unscopedId: 6,
  idScope: 7,
  bindId: 8,
  localId: 10,
  globalId: 11,
  flowDirection: 13,
  instantScope: 14,
  pidOverride: 18,
  tidOverride: 19,
} as const;

export const Annotation = {
  nameIid: 1,
  bool: 2,
  uint: 3,
  int: 4,
  double: 5,
  string: 6,
  pointer: 7,
  nested: 8,
  legacyJson: 9,
  name: 10,
  dictEntries: 11,
  arrayValues: 12,
  protoValue: 14,
  stringIid: 17,
} as const;

/** `DebugAnnotation.NestedValue`, the older form of dictionaries and arrays. */
export const Nested = {
  type: 1,
  dictKeys: 2,
  dictValues: 3,
  arrayValues: 4,
  int: 5,
  double: 6,
  bool: 7,
  string: 8,
} as const;

/** Values of `Nested.type`. */
export const NestedType = { dict: 1, array: 2 } as const;

export const Interned = {
  categories: 1,
  eventNames: 2,
  annotationNames: 3,
  annotationStrings: 29,
} as const;

/** Every interned entry: `{ iid, name or bytes }`. */
export const InternedEntry = { iid: 1, text: 2 } as const;

export const TrackField = {
  uuid: 1,
  name: 2,
  process: 3,
  thread: 4,
  parentUuid: 5,
  counter: 8,
  staticName: 10,
  siblingOrderRank: 12,
  atraceName: 13,
  description: 14,
} as const;

export const ProcessField = { pid: 1, cmdline: 2, sortIndex: 3, name: 6 } as const;

export const ThreadField = {
  pid: 1,
  tid: 2,
  sortIndex: 3,
  name: 5,
  referenceMicros: 6,
} as const;

export const CounterField = { unit: 3, unitMultiplier: 4, isIncremental: 5, unitName: 6 } as const;

/** `CounterDescriptor.Unit`, by the words that `Track.unit` uses for them. */
export const COUNTER_UNITS: readonly string[] = ['', 'ns', 'count', 'bytes'];

export const Snapshot = { clocks: 1, primaryClock: 2 } as const;

export const Clock = { id: 1, timestamp: 2, isIncremental: 3, multiplier: 4 } as const;

/** Clocks with a fixed number. 64 to 127 belong to one packet sequence. */
export const ClockId = {
  realtime: 1,
  monotonic: 3,
  boottime: 6,
  firstOfSequence: 64,
  lastOfSequence: 127,
} as const;
