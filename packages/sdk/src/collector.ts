/**
 * The collector: one worker thread a process, alive while something is recorded. It empties the rings, encodes, and writes files,
 * so that nothing of this happens in the user's threads, and so that it goes on while their loops are blocked.
 *
 * It sleeps on shared memory: the main thread's last act can wake it and wait for it. One file, for all of it is one loop: when to sleep depends on
 * what the round found, what was wished, and who is blocked.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { MetadataName } from '@ttrace/format/vocabulary';
import type { TrackRef } from '@ttrace/format/writers';
import { ControlLine, type ControlReport } from './attach/control-line.ts';
import { WorkerFinder } from './attach/worker-finder.ts';
import type { CollectorData, Replies, Reply, Request, Since, Wish } from './collector-protocol.ts';
import { DebugDesk } from './debug/debug-desk.ts';
import { Drain } from './drain.ts';
import { endBlock } from './end-block.ts';
import { FileOutput } from './file-output.ts';
import { FlightOutput } from './flight/flight-output.ts';
import { canSeeLoopWaits } from './loop-wait.ts';
import { CollectorState, Control, ERROR_OFFSET, PROBE_KEY } from './ring.ts';
import type { SharedMemory } from './shared-memory.ts';
import { hasSource } from './source-options.ts';
import { StackSampler } from './stack-sampler.ts';
import { Watchdog } from './watchdog.ts';
import { WriterHub } from './writer-hub.ts';

/** How long it sleeps when there is little to do. With one round's time this bounds what a crash can lose. */
const INTERVAL_MS = 20;
/** The same while it looks after the event loops: blocks of 30 ms must be seen while they last. */
const WATCH_INTERVAL_MS = 10;
/** It wakes earlier to ask a thread at the right moment, but for many threads not all the time. */
const LEAST_INTERVAL_MS = 4;
/** A main thread that is ending says nothing any more; it ends this thread. */
const DISCONNECT_PATIENCE_MS = 1000;
/** How long it stays for answers of workers that may be ended as soon as it is gone. */
const SETTLE_MS = 50;
/** How long it waits for what workers have to say after the end; what one does not say by then, because it is blocked, is counted. */
const LAST_WORDS_MS = 200;
/** The same for one that has begun to. */
const SPEAKING_MS = 1000;
/** Records in a round from which on it does not sleep at all. */
const BUSY_RECORDS = 4096;
/** From which on it sleeps less: on few processors a long round keeps the program's threads waiting. */
const MANY_RECORDS = 256;
const BUSY_INTERVAL_MS = 5;
/** How long the main thread has for ending what a command has attached. */
const RELEASE_PATIENCE_MS = 1000;
/** Sleeps after which the event loop of this thread has a turn. */
const LOOP_EVERY = 10;
/** Sleeps between two rounds while it looks after the event loops, and in a process that does nothing. */
const WATCH_NAPS = 2;
const QUIET_NAPS = 8;
/** How long these are there: a block of 30 ms that begins in one must be seen while it lasts. */
const QUIET_INTERVAL_MS = 25;

/** Who looks after the event loops. */
interface Lookout {
  /** @returns milliseconds after which it wants to look again. */
  look(): number;
  openQuestions(): number;
  /** Whether the last look found all of them waiting for something to do. */
  areAllQuiet(): boolean;
  /** Whether they have waited since, `QUIET_INTERVAL_MS` more. */
  areAllAsleep(): boolean;
}

class Collector {
  readonly #data: CollectorData;
  readonly #control: Int32Array;
  readonly #memory: SharedMemory;
  readonly #hub = new WriterHub();
  readonly #process: TrackRef;
  readonly #drain: Drain;
  readonly #sampler: StackSampler;
  readonly #watchdog: Lookout | undefined;
  #file: FileOutput | undefined;
  #flight: FlightOutput | undefined;
  /** The command that attached the recording into a file, and when it was seen to want its end. */
  #command: ControlLine | undefined;
  #overSince = 0;
  #finder: WorkerFinder | undefined;
  /** Whoever is told what became of a snapshot. */
  #listener: ControlLine | undefined;
  #debug: DebugDesk | undefined;
  #isFinished = false;
  /** Whether the file has all that was read. */
  #isFlushed = true;
  #sleeps = 0;

  constructor(data: CollectorData) {
    this.#data = data;
    this.#control = new Int32Array(data.control);
    this.#memory = { control: this.#control, arena: data.arena };
    this.#process = this.#hub.process(data.pid, data.processName);
    this.#drain = new Drain(this.#control, data.arena, this.#hub, data.pid, data.origin);
    const probe = `globalThis[Symbol.for(${JSON.stringify(PROBE_KEY)})]?.()`;
    this.#sampler = new StackSampler(probe, this.#memory, this.#control[Control.canInspect] === 1);
    this.#watchdog = this.#startWatchdog();
  }

  /** @returns whether the main thread has an inspector session to close yet. */
  async run(): Promise<boolean> {
    const control = this.#control;
    Atomics.compareExchange(control, Control.state, CollectorState.starting, CollectorState.running);
    let lastWake = -1;
    for (;;) {
      const wake = Atomics.load(control, Control.wake);
      // Before the wishes are read: what was wished before the end is granted.
      const isLast = Atomics.load(control, Control.state) === CollectorState.finishing;
      // Whoever wishes something wakes this thread.
      if (wake !== lastWake || isLast) this.#readWishes(isLast);
      lastWake = wake;
      if (isLast) break;
      const records = this.#isFinished ? 0 : this.#drain.round();
      const interval = this.#isFinished ? INTERVAL_MS : (this.#watchdog?.look() ?? INTERVAL_MS);
      this.#afterRound();
      Atomics.add(control, Control.rounds, 1);
      await this.#sleep(records, wake, records >= MANY_RECORDS ? BUSY_INTERVAL_MS : interval);
    }
    this.#finish();
    this.#closeFile('exit');
    this.#debug?.close();
    await this.#sampler.settle(SETTLE_MS);
    this.#sampler.close();
    return this.#sampler.wasConnected;
  }

  /**
   * Until somebody wakes the collector, or its interval is over. The thread sleeps as a whole, for a tenth of what a sleep takes that
   * lets its event loop go on; that one only has something to do while a question of the watchdog's is open, or a socket is not.
   */
  async #sleep(records: number, wake: number, interval: number): Promise<void> {
    const control = this.#control;
    const lines = [this.#command, this.#listener];
    const isAsking =
      (this.#watchdog !== undefined && this.#watchdog.openQuestions() > 0) ||
      this.#finder?.isBusy === true ||
      lines.some((line) => line?.isConnecting === true);
    if (records >= BUSY_RECORDS) await nextTurn();
    else if (isAsking) {
      const wait = Atomics.waitAsync(control, Control.wake, wake, interval);
      if (wait.async) await wait.value;
    } else {
      this.#nap(wake, interval);
      // For what the inspector and a command say unasked, such as which workers there are.
      if (this.#sleeps < LOOP_EVERY) return;
      this.#sleeps = 0;
      await nextTurn();
    }
  }

  /**
   * Sleeps, and goes on sleeping while a round is not worth its price: after a sleep nothing is in a cache, and a whole round takes three
   * times what the sleep itself does. In between it looks whether all threads sleep on, or after those that do not.
   */
  #nap(wake: number, interval: number): void {
    const control = this.#control;
    const watchdog = this.#watchdog;
    const isQuiet = watchdog?.areAllQuiet() === true;
    let naps = this.#mostNaps(isQuiet);
    let next = isQuiet ? QUIET_INTERVAL_MS : interval;
    for (;;) {
      this.#sleeps++;
      if (Atomics.wait(control, Control.wake, wake, next) !== 'timed-out') return;
      if (watchdog === undefined || --naps <= 0) return;
      if (this.#drain.hasNews(isQuiet ? 1 : MANY_RECORDS)) return;
      if (isQuiet) {
        if (!watchdog.areAllAsleep()) return;
      } else {
        next = watchdog.look();
        if (watchdog.openQuestions() > 0) return;
      }
      Atomics.add(control, Control.rounds, 1);
    }
  }

  /** Sleeps between two rounds. In a quiet process a round has nothing to do if the one before has done it all. */
  #mostNaps(isQuiet: boolean): number {
    if (this.#command !== undefined || this.#debug !== undefined) return 1;
    if (!isQuiet) return WATCH_NAPS;
    return this.#isFlushed && this.#drain.isSettled() ? QUIET_NAPS : 1;
  }

  #afterRound(): void {
    this.#isFlushed = this.#file?.flush() ?? true;
    this.#publishError();
    this.#debug?.afterRound();
    const written = this.#flight?.afterRound(this.#now(), this.#drain.threads());
    if (written !== undefined) reply({ id: 0, flightFile: written });
    if (this.#command?.isOver === true) this.#release();
  }

  /** Lets a command end the recording, and finds the workers that take no part yet. */
  #obey(command: ControlLine): void {
    this.#command = command;
    this.#overSince = 0;
    const recording = this.#control[Control.recording]!;
    this.#finder ??= new WorkerFinder(this.#sampler, this.#memory, (id) =>
      endBlock(this.#memory, id, recording),
    );
    void this.#finder.start().then((threads) => command.say(threads));
  }

  /** The main thread ends what a command has attached, so that its own last events are in the file; without it, if it is blocked. */
  #release(): void {
    const now = performance.now();
    if (this.#overSince === 0) {
      this.#overSince = now;
      reply({ id: 0, isReleased: true });
    } else if (now - this.#overSince > RELEASE_PATIENCE_MS) {
      if (this.#flight === undefined && this.#debug === undefined) {
        // All threads stop recording. What main has patched it takes back as soon as it can.
        Atomics.store(this.#control, Control.recording, 0);
        Atomics.notify(this.#control, Control.recording);
        this.#finish();
      } else this.#drain.settle();
      this.#closeFile('blocked');
    }
  }

  /** @param isLast whether nothing is recorded any more. */
  #readWishes(isLast: boolean): void {
    for (;;) {
      const message = receiveMessageOnPort(parentPort!) as { readonly message: Request } | undefined;
      if (message === undefined) return;
      const { id, ...wish } = message.message;
      reply({ id, answer: this.#grant(wish, isLast) });
    }
  }

  #grant(wish: Wish, isLast: boolean): Replies[Wish['kind']] {
    switch (wish.kind) {
      case 'open-file':
        this.#openFile(wish);
        return undefined;
      case 'close-file':
        if (isLast || wish.isLast) this.#finish();
        else this.#drain.settle();
        return this.#closeFile('stop');
      case 'obey':
        this.#obey(new ControlLine(wish.socket));
        return undefined;
      case 'send-window':
        if (!isLast) this.#drain.settle();
        this.#listener = new ControlLine(wish.socket);
        this.#listener.end(this.#flight?.write(wish.file, wish.output));
        return undefined;
      case 'open-window':
        this.#openWindow(wish);
        return undefined;
      case 'close-window':
        if (this.#flight !== undefined) this.#hub.detach(this.#flight.writer);
        this.#flight = undefined;
        return undefined;
      case 'write-window':
        if (isLast) this.#finish();
        else this.#drain.settle();
        return this.#flight?.write(wish.file, wish.output);
      case 'open-debug':
        this.#openDebug(wish);
        return undefined;
      case 'close-debug':
        this.#debug?.close();
        this.#debug = undefined;
        return undefined;
      case 'signal':
        this.#flight?.signal(this.#now(), wish.signal);
        return undefined;
    }
  }

  #openFile({ since, fd, output }: Extract<Wish, { kind: 'open-file' }>): void {
    this.#describe();
    this.#file = new FileOutput(fd, output, this.#data.origin, this.#drain.counts());
    this.#hub.attach(this.#file.writer, this.#relative(since));
  }

  #closeFile(cause: ControlReport['cause']): Replies['close-file'] | undefined {
    const file = this.#file;
    if (file === undefined) return undefined;
    this.#hub.detach(file.writer);
    const report = file.close(this.#drain.counts());
    this.#publishError();
    this.#file = undefined;
    this.#command?.end({ ...report, cause, refusedThreads: this.#control[Control.refusedThreads]! });
    this.#command = undefined;
    return report;
  }

  #openWindow({ since, options }: Extract<Wish, { kind: 'open-window' }>): void {
    this.#describe();
    this.#flight = new FlightOutput(options, this.#data.origin, () => this.#recordingFacts());
    this.#hub.attach(this.#flight.writer, this.#relative(since));
  }

  #openDebug({ since, port }: Extract<Wish, { kind: 'open-debug' }>): void {
    this.#debug?.close();
    this.#debug = new DebugDesk(port, this.#relative(since), {
      hub: this.#hub,
      drain: this.#drain,
      origin: this.#data.origin,
      flight: () => this.#flight,
      describe: () => this.#describe(),
    });
  }

  /** Nothing is recorded any more: the last events, and the file of a trigger that they may be. */
  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#hearLastWords();
    this.#drain.finish();
    this.#afterRound();
  }

  /** Workers learn of the end when their loops come round, and then write what is open in them. */
  #hearLastWords(): void {
    const control = this.#control;
    const begin = performance.now();
    for (;;) {
      const wake = Atomics.load(control, Control.wake);
      this.#drain.round();
      const waited = performance.now() - begin;
      if (waited >= LAST_WORDS_MS) this.#drain.closeLastWords();
      if (waited >= SPEAKING_MS || !this.#drain.isAwaited()) return;
      Atomics.wait(control, Control.wake, wake, INTERVAL_MS);
    }
  }

  /** What a writer is told when it comes. */
  #describe(): void {
    this.#hub.setFact(this.#process, MetadataName.recording, this.#recordingFacts());
  }

  #recordingFacts(): string {
    const { origin } = this.#data;
    const wallMillis = Math.round(Date.now() - this.#now() / 1e6);
    return JSON.stringify({
      version: 1,
      clock: { monotonicNanos: String(origin), wallMillis },
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    });
  }

  /** Nanoseconds since the origin; of all events the first without a time. */
  #relative(since: Since): number {
    return since === undefined ? -Infinity : Number(since - this.#data.origin);
  }

  /** Nanoseconds since the origin. */
  #now(): number {
    return Number(process.hrtime.bigint() - this.#data.origin);
  }

  /** Looks after blocked loops, if they are to be recorded. */
  #startWatchdog(): Lookout | undefined {
    const control = this.#control;
    const sources = control[Control.sources]!;
    const watchesLoops = hasSource(sources, 'loop');
    if (!watchesLoops && !hasSource(sources, 'samples')) return undefined;
    const sampler = this.#sampler;
    if (sampler.failure === undefined && canSeeLoopWaits()) control[Control.seesWaits] = 1;
    const watchdog = new Watchdog(sampler, control[Control.blockMicros]! * 1000, () => this.#now());
    let isSaid = false;
    const sayFailure = (): void => {
      if (sampler.failure === undefined || isSaid) return;
      isSaid = true;
      control[Control.seesWaits] = 0;
      const reason = JSON.stringify({ reason: sampler.failure });
      this.#hub.setFact(this.#process, MetadataName.noStacks, reason);
      this.#hub.metadata(this.#process, MetadataName.noStacks, reason);
    };
    // Known from the start where it is not permitted: the program may be over before the first look.
    sayFailure();
    return {
      look: () => {
        const due = watchdog.look(this.#drain.threads()) / 1e6;
        const most = watchdog.areAllQuiet ? INTERVAL_MS : WATCH_INTERVAL_MS;
        sayFailure();
        return Math.min(most, Math.max(LEAST_INTERVAL_MS, due));
      },
      openQuestions: () => watchdog.openQuestions,
      areAllQuiet: () => watchesLoops && watchdog.areAllQuiet,
      areAllAsleep: () => watchdog.areAllAsleep(this.#drain.threads(), QUIET_INTERVAL_MS * 1e6),
    };
  }

  /** Leaves an error where a thread that cannot receive messages finds it: the main thread while it exits. */
  #publishError(): void {
    const control = this.#control;
    const error = this.#file?.error;
    if (error === undefined || control[Control.errorBytes] !== 0) return;
    const text = new TextEncoder().encode(error.message).subarray(0, 1024);
    new Uint8Array(control.buffer, ERROR_OFFSET, text.length).set(text);
    Atomics.store(control, Control.errorBytes, text.length);
  }
}

function reply(message: Reply): void {
  parentPort!.postMessage(message);
}

async function collect(data: CollectorData): Promise<void> {
  // A wait on shared memory does not keep a thread alive.
  const life = setInterval(() => {}, 2 ** 30);
  const hasSession = await new Collector(data).run();
  clearInterval(life);
  const control = new Int32Array(data.control);
  const wake = Atomics.load(control, Control.wake);
  Atomics.store(control, Control.state, CollectorState.finished);
  Atomics.notify(control, Control.state);
  if (hasSession) {
    // When the main thread closes its side it posts to this thread, and the process aborts if the thread is gone by then.
    reply({ id: 0, isDisconnected: true });
    Atomics.wait(control, Control.wake, wake, DISCONNECT_PATIENCE_MS);
  }
}

void collect(workerData as CollectorData);
