/** Makes a worker that runs already take part in a recording, for `ttrace attach`, until the recording ends. */
import { Control } from '../ring.ts';
import { waitAsync } from '../sources/atomics.ts';
import { parkUnseen } from '../sources/event-loop.ts';
import { stackFrames } from '../sources/stack-frames.ts';
import { activeRecording, control } from '../thread-recorder.ts';
import '../thread-sources.ts';
import { enrolWorkers } from '../worker-enrolment.ts';

/** Recording for which the Worker constructor of this thread is patched. */
let patchedFor = 0;

/** Gives this thread its track, and the workers that it starts theirs. Harmless twice. @returns whether it is recorded. */
export function enrolLateWorker(): boolean {
  const recording = activeRecording();
  if (recording === 0) return false;
  if (patchedFor === recording) return true;
  patchedFor = recording;
  if (waitsOnMemory()) parkUnseen();
  const restore = enrolWorkers();
  const wait = Reflect.apply(waitAsync, Atomics, [control, Control.recording, recording]);
  if (wait.async) void wait.value.then(restore);
  else restore();
  return true;
}

/** Whether this call interrupts `Atomics.wait`: idle workers of pools are in there. */
function waitsOnMemory(): boolean {
  return stackFrames(waitsOnMemory).some(([name, file]) => file === '' && /^(Atomics\.)?wait$/.test(name));
}
