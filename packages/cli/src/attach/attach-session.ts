/**
 * A connection to a process that was started without ttrace, for `ttrace attach` and `ttrace snapshot`: opens its inspector, asks what
 * it is, runs code of the SDK in it, and closes the inspector again, all within a moment. What lasts goes through the control socket.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { interruption, RUNNING } from '@ttrace/sdk/attach';
import { Failure } from '../failure.ts';
import { blockingStack } from './blocking-stack.ts';
import { type ControlSocket, openControlSocket } from './control-socket.ts';
import { checkSameMachine, findTarget, type Target } from './find-target.ts';
import { type Answer, connectInspector, type InspectorClient } from './inspector-client.ts';
import { openInspector } from './open-inspector.ts';
import type { UntilStopped } from './until-stopped.ts';

/** A process with which one can talk. */
export interface AttachSession {
  readonly target: Target;
  readonly client: InspectorClient;
  readonly control: ControlSocket;
  /** Its Node.js, such as `v22.23.3`. */
  readonly version: string;
  /** The script or command that it runs. */
  readonly title: string;
  /** Path of the SDK's module for attached processes: of the process's own SDK where that records already. */
  readonly module: string;
  /** Whether the process runs a recorder already. */
  readonly isRecording: boolean;
  /** Calls a function of that module in the main thread. @throws Failure with its error. */
  call(name: string, argument: unknown): Promise<void>;
  /** Closes the inspector if it was opened here. Harmless twice. @returns what is left of it, as a sentence, if it is. */
  closeInspector(): Promise<string | undefined>;
  close(): void;
}

/** Interrupted from then on, milliseconds. */
const MAIN_PATIENCE_MS = 1000;
/** Answers that take longer are waited for, with a word. */
const NATIVE_PATIENCE_MS = 2000;
const CLOSE_PATIENCE_MS = 2000;
const LATE = Symbol('late');

/** Its `module` is where a recorder that runs says that its own copy of the SDK is (the SDK's session.ts). */
const FACTS = `JSON.stringify({
  pid: process.pid,
  version: process.version,
  title: (process.argv[1] ?? '').split(/[\\\\/]/).pop(),
  module: globalThis[Symbol.for('ttrace/attach/1')],
  isSupported: 'require_module' in process.features && typeof process.getBuiltinModule === 'function',
})`;

interface Facts {
  readonly pid: number;
  readonly version: string;
  readonly title: string;
  readonly module?: string;
  readonly isSupported: boolean;
}

/**
 * @param stopped interrupts waiting for a thread that does not answer.
 * @param say is told what the user should know meanwhile.
 * @throws Failure when the process cannot be attached.
 */
export async function openAttachSession(
  pid: number,
  inspectPort: number | undefined,
  stopped: UntilStopped,
  say: (line: string) => void,
): Promise<AttachSession> {
  const target = findTarget(pid);
  const module = createRequire(import.meta.url).resolve('@ttrace/sdk/attach');
  if (process.platform === 'linux') checkSameMachine(target, module);
  const inspector = await openInspector(target, inspectPort, stopped, say);
  const client = await connectInspector(inspector.url);
  let closing: Promise<string | undefined> | undefined;
  const closeInspector = (): Promise<string | undefined> =>
    (closing ??= close(client, inspector.isOurs ? inspector.port : undefined));
  try {
    const facts = await stopped.unlessBefore(askFacts(client, say));
    checkFacts(facts, pid);
    const control = await openControlSocket(target);
    return {
      target,
      client,
      control,
      version: facts.version,
      title: facts.title,
      module: facts.module ?? module,
      isRecording: facts.module !== undefined,
      call: (name, argument) =>
        callMain(client, facts.module ?? module, `${name}(${JSON.stringify(argument)})`, say),
      closeInspector,
      close: () => {
        control.close();
        client.close();
      },
    };
  } catch (error) {
    await closeInspector();
    client.close();
    throw error;
  }
}

async function askFacts(client: InspectorClient, say: (line: string) => void): Promise<Facts> {
  const answer = client.evaluate(FACTS);
  const text = await withNotice(answer, say);
  if (text === undefined)
    throw new Failure('the process ended, or closed its inspector, before it could be attached');
  return JSON.parse(text) as Facts;
}

function checkFacts({ pid, version, isSupported }: Facts, wanted: number): void {
  if (pid !== wanted) {
    throw new Failure(
      `the inspector on that port is process ${pid}’s, not ${wanted}’s: name the right --inspect-port`,
    );
  }
  if (!isSupported) {
    throw new Failure(`process ${pid} runs Node.js ${version}: recording takes 20.19, 22.12 or newer`);
  }
}

/** Waits, and says so when the main thread does not answer: it does from any JavaScript, but not from a native call. */
async function withNotice<T>(answer: Promise<T>, say: (line: string) => void): Promise<T> {
  const timer = setTimeout(
    () => say('its main thread does not answer yet, as in a long native call such as execSync: waiting'),
    NATIVE_PATIENCE_MS,
  );
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

async function callMain(
  client: InspectorClient,
  module: string,
  call: string,
  say: (line: string) => void,
): Promise<void> {
  const text = await withNotice(runOnce(client, inModule(module, call), dirname(dirname(module)), say), say);
  if (text === undefined) {
    throw new Failure(
      'it has ended, or another one, such as a second ttrace attach, has closed its inspector meanwhile: try again',
    );
  }
  const { error } = JSON.parse(text) as { readonly error?: string };
  if (error !== undefined) throw new Failure(error);
}

/** Runs code in the main thread when that is free, or in the middle of what it does, which is said. */
async function runOnce(
  client: InspectorClient,
  code: string,
  recorder: string,
  say: (line: string) => void,
): Promise<Answer> {
  const { begin, force, forget } = interruption(code);
  const answer = client.evaluate(begin, true);
  const timer = new AbortController();
  const first = await Promise.race([answer, sleep(MAIN_PATIENCE_MS, LATE, { signal: timer.signal })]);
  timer.abort();
  let text = first === LATE ? undefined : first;
  if (first === LATE) {
    text = await Promise.race([answer, client.evaluate(force)]);
    if (text === RUNNING) text = await answer;
    else {
      const stack = await blockingStack(client, recorder);
      if (stack !== undefined) say(`its main thread is busy, and was interrupted in ${stack}`);
    }
  }
  void client.evaluate(forget);
  return text;
}

/** Code that gives `{ error }` as JSON, or `{}`. @param call what is asked of the module at this path. */
function inModule(path: string, call: string): string {
  const quoted = JSON.stringify(path);
  return `(() => {
    try {
      process.getBuiltinModule('node:module').createRequire(${quoted})(${quoted}).${call};
      return '{}';
    } catch (error) {
      return JSON.stringify({ error: String(error?.message ?? error) });
    }
  })()`;
}

/** @param port of the inspector that is to be closed; undefined leaves it open. */
async function close(client: InspectorClient, port: number | undefined): Promise<string | undefined> {
  if (port === undefined) {
    client.close();
    return undefined;
  }
  // It closes this connection, too, and gives no answer.
  void client.evaluate("process.getBuiltinModule('node:inspector').close()");
  const timer = new AbortController();
  const late = sleep(CLOSE_PATIENCE_MS, false, { signal: timer.signal }).catch(() => false);
  const isClosed = await Promise.race([client.closed.then(() => true), late]);
  // Else the command would not end before.
  timer.abort();
  return isClosed
    ? undefined
    : `the inspector is still open on port ${port}: it closes when the native call is over in which the main thread is`;
}
