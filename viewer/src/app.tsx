/**
 * The viewer's routes. Everything passes the guard first; what follows is a closed list of pages, one stream of the
 * trace, and a table of files.
 */
import { readFile } from 'node:fs/promises';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { Child } from 'hono/jsx';
import type { Delivery } from './delivery.ts';
import { cookieName, type GuardOptions, judge } from './guard.ts';
import { navigation } from './navigation.ts';
import { Boot } from './pages/boot.tsx';
import { Home } from './pages/home.tsx';
import { Entering, Refused } from './pages/refused.tsx';
import { addProfileRoutes } from './profile-routes.tsx';
import { BUNDLED_UI_POLICY, COMMON_HEADERS, hostPagePolicy, PAGE_POLICY } from './security-headers.ts';
import { addSpanRoutes } from './span-routes.tsx';
import { FIRST_EVENT_NANOS, type Subject } from './subject.ts';
import { addTableRoutes } from './table-routes.tsx';
import { focusOf, renderTimeline, spanOf } from './timeline-page.tsx';
import type { ServedFile } from './ui-files.ts';
import { addUtilizationRoute } from './utilization-routes.tsx';

/** What the routes are made from. */
export interface AppOptions {
  readonly guard: GuardOptions;
  readonly subject: Subject;
  readonly files: ReadonlyMap<string, ServedFile>;
  /** Port of the user's own Perfetto UI, or undefined for the bundled one. */
  readonly customUiPort: number | undefined;
  /** Called for each request that the guard let pass. */
  readonly onRequest: () => void;
  /** Is told what has been read and shown. */
  readonly delivery: Delivery;
}

type Env = { Bindings: HttpBindings };

/** Makes the application; the caller gives it a socket. */
export function createApp(options: AppOptions): Hono<Env> {
  const { subject, files, customUiPort, delivery } = options;
  const read = () => {
    options.onRequest();
    delivery.read();
  };
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    for (const [name, value] of Object.entries(COMMON_HEADERS)) context.header(name, value);
    context.header('cache-control', 'no-store');
    const refusal = admit(context, options.guard);
    if (refusal !== undefined) return refusal;
    options.onRequest();
    await next();
    return undefined;
  });
  addSpanRoutes(app, subject, (context, markup, status) => page(context, markup, PAGE_POLICY, status));
  app.get('/', (context) => {
    const { title, fileName, facts, findings, warnings, inPieces } = subject;
    const nav = navigation(subject, '');
    return page(
      context,
      <Home {...{ title, fileName, facts, findings, warnings, inPieces, nav }} />,
      PAGE_POLICY,
    );
  });
  addTableRoutes(app, subject, (context, markup, status) => page(context, markup, PAGE_POLICY, status));
  addProfileRoutes(app, subject, (context, markup, status) => page(context, markup, PAGE_POLICY, status));
  addUtilizationRoute(app, subject, (context, markup, status) => page(context, markup, PAGE_POLICY, status));
  app.get('/timeline', (context) => {
    // The frame is addressed by the name that the page was: to a browser 127.0.0.1 and localhost are two sites.
    const origin = new URL(context.req.url);
    if (customUiPort !== undefined) origin.port = String(customUiPort);
    const ui = { origin: origin.origin, isCustom: customUiPort !== undefined };
    const { markup, status, isAll } = renderTimeline(subject, context.req.query(), ui);
    if (isAll) whenSent(context, read);
    return page(context, markup, hostPagePolicy(ui.isCustom ? ui.origin : undefined), status);
  });
  app.get('/ui/boot', (context) =>
    page(context, <Boot zeroSeconds={FIRST_EVENT_NANOS / 1e9} />, BUNDLED_UI_POLICY),
  );
  app.get('/trace.pftrace', (context) => {
    const span = spanOf(context.req.query('from'), context.req.query('to'), subject.facts.duration);
    if (span === 'bad') return context.text('from and to are times such as 1.5s or 300ms, from < to', 400);
    const task = focusOf(subject, context.req.query('task'));
    if (task === 'bad') return context.text('there is no such task in the trace', 400);
    whenSent(context, read);
    return context.body(subject.stream(span, task), 200, { 'content-type': 'application/octet-stream' });
  });
  app.get('/alive', (context) => context.body(null, 204));
  app.get('/loading', (context) => {
    delivery.loading();
    return context.body(null, 204);
  });
  app.get('/shown', (context) => {
    delivery.shown();
    return context.body(null, 204);
  });
  app.get('*', (context) => serveFile(context, files.get(context.req.path)));
  app.notFound((context) => page(context, <Refused reason="path" />, PAGE_POLICY, 404));
  return app;
}

/** Lets a request through (undefined) or answers it. */
function admit(context: Context<Env>, guard: GuardOptions): Response | Promise<Response> | undefined {
  const verdict = judge(context.env.incoming, guard);
  if (verdict.kind === 'pass') return undefined;
  if (verdict.kind === 'refuse') {
    if (verdict.status === 405) context.header('allow', 'GET, HEAD');
    return page(context, <Refused reason={verdict.reason} />, PAGE_POLICY, verdict.status);
  }
  const cookie = `${cookieName(guard.port)}=${guard.token}; Path=/; HttpOnly; SameSite=Strict`;
  context.header('set-cookie', cookie);
  if (verdict.crossSite) return page(context, <Entering location={verdict.location} />, PAGE_POLICY);
  return context.redirect(verdict.location, 302);
}

/** Calls back when the whole answer is with the system; never when its reader went away. */
function whenSent({ req, env }: Context<Env>, callback: () => void): void {
  if (req.method === 'GET') env.outgoing.once('finish', callback);
}

function page(
  context: Context<Env>,
  markup: Child,
  policy: string,
  status: 200 | 400 | 403 | 404 | 405 = 200,
): Response {
  context.header('content-security-policy', policy);
  return context.html(`<!doctype html>${String(markup)}`, status);
}

async function serveFile(context: Context<Env>, file: ServedFile | undefined): Promise<Response> {
  if (file === undefined) return context.notFound();
  const bytes = await readFile(file.path);
  return context.body(bytes, 200, {
    'content-type': file.contentType,
    // The engine and its wasm are asked for twice on each load.
    'cache-control': context.req.path.startsWith('/ui/') ? 'private, max-age=3600' : 'no-cache',
    'content-security-policy': BUNDLED_UI_POLICY,
  });
}
