// The program that cost.mjs measures: an HTTP server, served by a debug server in one of several ways, or not at all.
import { createServer } from 'node:http';
import { Session } from 'node:inspector';

/** @returns address of the debug server, if there is one. */
async function begin(mode) {
  if (mode === 'off') return undefined;
  if (mode === 'profiler') {
    // What an always-on profile of 100 Hz would cost, beside taking one when it is asked for.
    const session = new Session();
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: 10_000 });
    session.post('Profiler.start');
    return undefined;
  }
  if (mode === 'recorder') {
    const { trace } = await import('@ttrace/sdk');
    await new trace.FlightRecorder().start();
    return undefined;
  }
  const { startDebugServer } = await import('@ttrace/debug-server');
  const options = {
    record: mode !== 'heap alone',
    heap: mode !== 'without heap',
    pendingStacks: mode === 'pending stacks',
    port: 0,
  };
  return (await startDebugServer(options)).url;
}

const url = await begin(process.argv[2]);
const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  request.on('end', async () => {
    const { items } = JSON.parse(text);
    await new Promise((done) => setImmediate(done));
    const total = items.reduce((sum, { price }) => sum + price, 0);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ total, items }));
  });
});
process.on('message', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port, url }));
