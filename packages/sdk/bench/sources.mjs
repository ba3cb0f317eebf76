// What the default runtime sources cost an HTTP server (JSON in, JSON out, one asynchronous hop): two servers, one recorded and
// one not, loaded in turns by the same 16 connections, many short rounds, so that a machine that changes its speed changes it
// for both. Also what they cost a process that does nothing. Target: 2 % of throughput; 1 % of a core.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { print, row } from '@ttrace/bench';
import { trace } from '@ttrace/sdk';

const ROUNDS = Number(process.env.ROUNDS ?? 24);
const ROUND_MS = 500;
const CONNECTIONS = 16;
const BODY = JSON.stringify({
  items: Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}`, price: id * 1.5 })),
});
const MODES = (process.env.MODES ?? 'off;default').split(';');

async function serve(mode) {
  const file = join(tmpdir(), `ttrace-bench-sources-${process.pid}.pftrace`);
  if (mode !== 'off') {
    const { parseSources } = await import('@ttrace/sdk');
    await trace.start({ file, sources: mode === 'default' ? true : parseSources(mode) });
  }
  const server = http.createServer((request, response) => {
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
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
  process.on('message', async (question) => {
    if (question === 'cpu') process.send(process.cpuUsage());
    else {
      await trace.stop();
      if (mode !== 'off') rmSync(file);
      process.exit();
    }
  });
}

/** Requests answered in a while, over connections that are kept. */
async function load(sockets, millis) {
  const end = performance.now() + millis;
  let count = 0;
  const request = `POST /orders/17 HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`;
  const one = (socket) =>
    new Promise((done) => {
      let got = 0;
      let need = Infinity;
      const onData = (data) => {
        if (need === Infinity) {
          const head = data.indexOf('\r\n\r\n');
          need =
            head + 4 + Number(/content-length: (\d+)/i.exec(data.subarray(0, head).toString('latin1'))[1]);
        }
        got += data.length;
        if (got < need) return;
        socket.off('data', onData);
        done();
      };
      socket.on('data', onData);
      socket.write(request);
    });
  await Promise.all(
    sockets.map(async (socket) => {
      while (performance.now() < end) {
        await one(socket);
        count++;
      }
    }),
  );
  return (count * 1000) / millis;
}

const ask = async (child, question) => {
  const answer = once(child, 'message');
  child.send(question);
  return (await answer)[0];
};
const cpuMicros = async (child) => {
  const { user, system } = await ask(child, 'cpu');
  return user + system;
};
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function main() {
  const servers = [];
  for (const mode of MODES) {
    const child = fork(new URL(import.meta.url), [mode]);
    const [{ port }] = await once(child, 'message');
    const sockets = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        const socket = net.connect(port, '127.0.0.1');
        await once(socket, 'connect');
        return socket.setNoDelay();
      }),
    );
    servers.push({ mode, child, sockets, rates: [], cpus: [] });
  }
  await sleep(500);
  for (const server of servers) {
    const before = await cpuMicros(server.child);
    await sleep(4000);
    server.idle = ((await cpuMicros(server.child)) - before) / 4e6;
  }
  for (const { sockets } of servers) await load(sockets, 1500);
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? servers : [...servers].reverse();
    for (const server of order) {
      const before = await cpuMicros(server.child);
      const rate = await load(server.sockets, ROUND_MS);
      server.rates.push(rate);
      server.cpus.push(((await cpuMicros(server.child)) - before) / ((rate * ROUND_MS) / 1000));
    }
  }
  const [off, ...others] = servers;
  for (const { mode, rates, cpus, idle } of others) {
    const ratio = median(rates.map((rate, i) => rate / off.rates[i]));
    const cpu = median(cpus.map((micros, i) => micros / off.cpus[i]));
    row(
      `requests/s, ${mode}`,
      Math.round(median([...rates])),
      `${Math.round(median([...off.rates]))} off`,
      `${((ratio - 1) * 100).toFixed(1)} %`,
      '>= -2 %',
      ratio >= 0.98,
    );
    row(
      `processor time a request, ${mode}`,
      `${median([...cpus]).toFixed(1)} us`,
      `${median([...off.cpus]).toFixed(1)} us off`,
      `+${((cpu - 1) * 100).toFixed(1)} %`,
    );
    row(
      `idle process, ${mode}`,
      `${(idle * 100).toFixed(2)} %`,
      `${(off.idle * 100).toFixed(2)} % off`,
      '',
      '<= 1 %',
      idle <= 0.01,
    );
  }
  print(`Runtime sources, Node ${process.version}`);
  for (const { child, sockets } of servers) {
    for (const socket of sockets) socket.destroy();
    child.send('end');
    await once(child, 'exit');
  }
}

if (process.send === undefined) await main();
else await serve(process.argv[2]);
