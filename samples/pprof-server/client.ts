/** Who looks: fetches profiles from the debug server, keeps them as files and says what is at their tops. A thread, as curl would be a process. */
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

/** What to fetch. */
export interface Wish {
  /** Whether to print the stack of the main thread. */
  readonly stacks: boolean;
  /** Names of profiles, with what goes behind them. */
  readonly profiles: readonly string[];
}

/** What it is started with. */
export interface ClientData {
  readonly url: string;
  /** Of the files' paths. */
  readonly prefix: string;
  /** Counts the wishes that were granted: who is blocked hears of nothing else. */
  readonly done: Int32Array;
}

/** Frames of a stack that are printed. */
const SHOWN = 2;

/** Until whoever is looked at is in the middle of it. */
const PATIENCE_MS = 200;

const { url, prefix, done } = workerData as ClientData;

async function get(path: string): Promise<Uint8Array> {
  const answer = await fetch(`${url}${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The innermost function that has most of the last value, and its share. */
function topOf(bytes: Uint8Array): string {
  const profile = Profile.decode(gunzipSync(bytes));
  const text = (at: number | bigint): string => profile.stringTable.strings[Number(at)]!;
  const functions = new Map(profile.function.map((each) => [Number(each.id), text(each.name)]));
  const locations = new Map(
    profile.location.map((each) => [Number(each.id), Number(each.line[0]!.functionId)]),
  );
  const sums = new Map<string, number>();
  let total = 0;
  for (const { locationId, value } of profile.sample) {
    const name = functions.get(locations.get(Number(locationId[0]))!)!;
    const last = Number(value.at(-1));
    total += last;
    sums.set(name, (sums.get(name) ?? 0) + last);
  }
  const [top] = [...sums].sort(([, a], [, b]) => b - a);
  if (top === undefined) return 'nothing';
  return `${top[0]} has ${Math.round((100 * top[1]) / total)} %`;
}

async function grant({ stacks, profiles }: Wish): Promise<void> {
  if (stacks) {
    await delay(PATIENCE_MS);
    const dump = new TextDecoder().decode(await get('goroutine?debug=2'));
    const functions = dump.split('\n\n', 1)[0]!.match(/^.*\(\)$/gm) ?? [];
    console.log(`main is in ${functions.slice(0, SHOWN).join(' < ')} < …`);
  }
  for (const path of profiles) {
    const [name] = path.split('?', 1);
    const bytes = await get(path);
    writeFileSync(`${prefix}-${name}.pb.gz`, bytes);
    console.log(`${name}: ${topOf(bytes)}`);
  }
  Atomics.add(done, 0, 1);
  parentPort!.postMessage('done');
}

parentPort!.on('message', (wish: Wish) => void grant(wish));
parentPort!.postMessage('ready');
