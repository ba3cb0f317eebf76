/**
 * Where ids of OpenTelemetry lead to: `/?span=ID` and `/span/ID` to the page of the task that it is, or else to its stretch of the timeline;
 * `/?trace=ID` and `/trace/ID` to everything in that trace.
 */
import { indexOf, spansOf, spansTable, spansWithId, traceFilter } from '@ttrace/analysis';
import type { Context, Env, Hono } from 'hono';
import type { Child } from 'hono/jsx';
import { printPageQuery } from './filter-query.ts';
import { navigation } from './navigation.ts';
import { BadQuery } from './pages/bad-query.tsx';
import type { Subject } from './subject.ts';
import { timelinePath } from './timeline-path.ts';

/** Answers with a page. */
type SendPage<E extends Env> = (context: Context<E>, markup: Child, status: 404) => Response;

/** Adds the routes. They come before that of the home page, whose query they are. */
export function addSpanRoutes<E extends Env>(app: Hono<E>, subject: Subject, sendPage: SendPage<E>): void {
  const missing = (context: Context<E>, what: string, id: string): Response => {
    const complaint = `There is nothing with the ${what} id ${JSON.stringify(id.slice(0, 60))} in this trace.`;
    const nav = navigation(subject, 'spans');
    return sendPage(context, <BadQuery id="spans" complaints={[complaint]} nav={nav} />, 404);
  };
  const toSpan = (context: Context<E>, id: string): Response => {
    const path = spanPath(subject, id);
    return path === undefined ? missing(context, 'span', id) : context.redirect(path, 302);
  };
  const toTrace = (context: Context<E>, id: string): Response => {
    const path = tracePath(subject, id);
    return path === undefined ? missing(context, 'trace', id) : context.redirect(path, 302);
  };
  app.get('/', async (context, next) => {
    const { span, trace } = context.req.query();
    if (span !== undefined) return toSpan(context, span);
    if (trace !== undefined) return toTrace(context, trace);
    await next();
    return undefined;
  });
  app.get('/span/:id', (context) => toSpan(context, context.req.param('id')));
  app.get('/trace/:id', (context) => toTrace(context, context.req.param('id')));
}

function spanPath({ trace }: Subject, id: string): string | undefined {
  const index = indexOf(trace);
  const found = spansWithId(index, id);
  const [first] = found;
  if (first === undefined) return undefined;
  const task = found.find(({ what }) => what === 'task');
  if (task !== undefined) return `/task${printPageQuery({ filter: { task: `#${task.task}` } })}`;
  return timelinePath(spansTable(index).spanOf?.(first));
}

function tracePath({ trace }: Subject, id: string): string | undefined {
  const wanted = id.toLowerCase();
  if (!spansOf(indexOf(trace)).some(({ traceId }) => traceId === wanted)) return undefined;
  return `/spans${printPageQuery({ filter: traceFilter(wanted) })}`;
}
