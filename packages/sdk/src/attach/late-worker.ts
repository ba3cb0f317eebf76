/** Makes a worker that runs already take part in a recording, for `ttrace attach`, until the recording ends. */
import { Control } from '../ring.ts';
import { activeRecording, control } from '../thread-recorder.ts';
import '../thread-sources.ts';
import { enrolWorkers } from '../worker-enrolment.ts';

/** Recording for which the Worker constructor of this thread is patched. */
let patchedFor = 0;
// Node's own: the source of waits patches it.
const waitAsync = Atomics.waitAsync.bind(Atomics);

/** Gives this thread its track, and the workers that it starts theirs. Harmless twice. @returns whether it is recorded. */
export function enrolLateWorker(): boolean {
  const recording = activeRecording();
  if (recording === 0) return false;
  if (patchedFor === recording) return true;
  patchedFor = recording;
  const restore = enrolWorkers();
  const wait = waitAsync(control, Control.recording, recording);
  if (wait.async) void wait.value.then(restore);
  else restore();
  return true;
}
