/**
 * The vocabulary: what ttrace itself writes into a trace, whatever the format. FORMAT.md shows each event in JSON and
 * in protobuf. Writers, readers, analyses and pages take every category and argument name from here; a trace of
 * another producer may use none of them.
 */

/** Categories (`cat`) of the events that ttrace records. */
export const Category = {
  /** A region: a stretch of code on one thread (slice), or an asynchronous one on a track of its own. */
  region: 'region',
  /** A task: a logical operation that may span threads and time. One async track a task, `id` = task id. */
  task: 'task',
  /** A log: an instant. The event's name is the log's category; the text stands in `message`. */
  log: 'log',
  /** A counter sample. */
  counter: 'counter',
  /** Sending or receiving a message: a short slice that carries one end of a flow. */
  flow: 'flow',
  /**
   * A turn of a thread's event loop that took long, on a track of its own a thread. Named `turn`; one that blocked the loop has
   * `blocked: true` and is named after what was running. Then `location` says where that is, `stack` has the frames, innermost
   * first, `region` the open region, `sampled_ms` when in the turn it was seen. What was seen later are instants on the same track, each with its `stack`, and with `jobs` where promises are known to run one after another.
   */
  loop: 'loop',
  /**
   * What CPU samples found running: slices on a track of its own a thread, nested as the functions were, outermost first, each named
   * after its function, `location` says where that is. The outermost one has the `region` and `task` in which the samples were taken.
   */
  sample: 'sample',
  /** User timing: a mark is an instant, a measure an asynchronous slice. */
  timing: 'timing',
  /** A garbage collection: a slice on its thread. */
  gc: 'gc',
  /** A wait for another thread, a lock or a pool: a slice on the waiting thread, or an asynchronous one. */
  wait: 'wait',
  /** Sending a message to another thread, or handling one: a slice that carries one end of a flow. */
  message: 'message',
  /** An HTTP request that this process makes: an asynchronous slice. Requests that it serves are tasks. */
  http: 'http',
  /** A wait for the other end of a connection: an asynchronous slice from a write to the next bytes that come back. */
  socket: 'socket',
  /** The life of a worker or of a child process: an asynchronous slice. */
  worker: 'worker',
  process: 'process',
  /** An error that nothing caught, or a rejection that nothing handled before the process was told of it: an instant named after it. */
  error: 'error',
  /** An operation of the thread pool of Node.js, from its call to its callback: an asynchronous slice. */
  pool: 'pool',
  /**
   * A span of OpenTelemetry: an asynchronous slice with the span's attributes, and beside them `trace_id`, `span_id`,
   * `parent_span_id`, `kind`, `scope` and what else is known of that, `status`, `status_message`, `events`, `links`, `flags`.
   */
  span: 'span',
  /** What the recorder says about itself, such as dropped events. */
  ttrace: 'ttrace',
} as const;

/**
 * What the short slices of category `flow` are called to which arrows between spans of OpenTelemetry are tied: from a span to one
 * that is linked to it, and to a child in another task. They mean nothing else.
 */
export const SpanArrow = { link: 'span link', child: 'span child' } as const;

/** Categories whose asynchronous tracks are lanes: they hold several operations, one after another. */
export const LANE_CATEGORIES: ReadonlySet<string> = new Set([
  Category.region,
  Category.loop,
  Category.sample,
  Category.timing,
  Category.wait,
  Category.http,
  Category.socket,
  Category.worker,
  Category.process,
  Category.pool,
  Category.span,
]);

/** Name of the instant, of category `ttrace`, at which a trigger of the flight recorder fired: `{ trigger, what, duration_ms? }`. */
export const FLIGHT_TRIGGER = 'flight trigger';

/** What the track of a thread's event loop is called. */
export function loopTrackName(thread: string): string {
  return `${thread} event loop`;
}

/** What the track of a thread's CPU samples is called. */
export function sampleTrackName(thread: string): string {
  return `${thread} samples`;
}

/** Argument names with a fixed meaning. User attributes stand beside them under their own names. */
export const Argument = {
  /** Id (number) of the task an event belongs to; absent outside tasks. */
  task: 'task',
  /** Id (number) of the parent task, on a task. */
  parent: 'parent',
  /** Text of a log. */
  message: 'message',
  /** Value of a counter sample. */
  value: 'value',
  /** True on a turn that blocked its loop. */
  blocked: 'blocked',
  /** Where a blocking function is: `file:line`. */
  location: 'location',
  /** Frames of a blocking stack, innermost first: `function (file:line:column)`. */
  stack: 'stack',
  /** In a block: promise jobs that are known to have run before this look without anything else between them; absent for none. */
  jobs: 'jobs',
  /**
   * tid of the thread that a wait or a hold on a track of its own is of; for what runs in a pool, that of the thread that gave it away.
   */
  tid: 'tid',
  /** How many events were dropped. */
  dropped: 'dropped',
  /** Ids of OpenTelemetry, on spans, tasks and requests made: 32, 16 and 16 lower-case hexadecimal digits. */
  traceId: 'trace_id',
  spanId: 'span_id',
  parentSpanId: 'parent_span_id',
} as const;

/** Arguments of a span that are not its attributes; an attribute of such a name stands as `attributeName` says. */
export const SPAN_ARGUMENTS: ReadonlySet<string> = new Set([
  Argument.task,
  Argument.parent,
  Argument.traceId,
  Argument.spanId,
  Argument.parentSpanId,
  'trace_state',
  'flags',
  'kind',
  'scope',
  'scope_version',
  'scope_attributes',
  'scope_dropped_attributes',
  'scope_schema_url',
  'status',
  'status_message',
  'events',
  'links',
  'dropped_attributes',
  'dropped_events',
  'dropped_links',
  'before_recording_ms',
]);

/** The same for a link, an object in the argument `links` of a span. */
export const LINK_ARGUMENTS: ReadonlySet<string> = new Set([
  Argument.traceId,
  Argument.spanId,
  'trace_state',
  'flags',
  'dropped_attributes',
]);

/** The same for an event of a span of a file of OTLP, which is an instant. */
export const SPAN_EVENT_ARGUMENTS: ReadonlySet<string> = new Set([
  Argument.task,
  Argument.traceId,
  Argument.spanId,
  'dropped_attributes',
]);

/**
 * The name under which an attribute stands among arguments of ours: one that is called as one of them has a `_` behind it, and one that
 * is called so already has one more, so that no two become one.
 * @param taken names of arguments, none of which ends in `_`.
 */
export function attributeName(name: string, taken: ReadonlySet<string>): string {
  return taken.has(name) || isBehindTaken(name, taken) ? `${name}_` : name;
}

/** The attribute's own name, of one that `attributeName` gave. */
export function ownAttributeName(name: string, taken: ReadonlySet<string>): string {
  return isBehindTaken(name, taken) ? name.slice(0, -1) : name;
}

function isBehindTaken(name: string, taken: ReadonlySet<string>): boolean {
  if (!name.endsWith('_')) return false;
  let length = name.length - 1;
  while (name[length - 1] === '_') length--;
  return taken.has(name.slice(0, length));
}

/**
 * Names of two short slices of category `process` that tie a recorded child process to the one that started it: the first lies
 * on the thread that did, with the child's `pid`, the second on the child's main thread, with the system's `parentPid`.
 */
export const ProcessSlice = {
  spawn: 'spawn',
  start: 'process start',
} as const;

/** Names of the metadata events (`ph: "M"`) that are ttrace's own; other readers ignore them. */
export const MetadataName = {
  /** Once a file: `{ version, clock: { monotonicNanos, wallMillis }, node, platform }`, all but `wallMillis` as strings. */
  recording: 'ttrace_recording',
  /** Once a file, if blocked loops could not be asked for their stacks: `{ reason }`. */
  noStacks: 'ttrace_no_stacks',
  /** `{ dropped: number }`: events that a thread had no room for since it was last said, or could not write at the end; they add up. */
  dropped: 'ttrace_dropped',
  /** On a part of a trace that was split: `{ recording, part }`, the text that all parts have in common and the number of this one. */
  part: 'ttrace_part',
  /** Followed by a space and a pid: resource attributes of a process that an OTLP file gives. */
  resource: 'ttrace_resource',
  /** The same, of what such a resource says beside its attributes: `{ schema_url, dropped_attributes }`, each only if there is any. */
  resourceFacts: 'ttrace_resource_facts',
  /** On a part: arrows' ends of it whose other ends are in other parts, `{ ends: [text, …] }`; more of them have a number behind the name. */
  arrows: 'ttrace_arrows',
} as const;

/** Name that stands in for every name past the recorder's bound on distinct names. */
export const OTHER_NAME = '(other)';
