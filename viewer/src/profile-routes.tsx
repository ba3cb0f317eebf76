/** The addresses of profiles: the list of them, a page with a flame graph, and the file for `go tool pprof`. */
import { indexOf } from '@ttrace/analysis';
import { encodePprof } from '@ttrace/pprof';
import type { Context, Env, Hono } from 'hono';
import type { Child } from 'hono/jsx';
import { FORM_MARK } from './filter-query.ts';
import { navigation } from './navigation.ts';
import { BadQuery } from './pages/bad-query.tsx';
import { ProfilePage } from './pages/profile.tsx';
import { Profiles } from './pages/profiles.tsx';
import { ofForm, parseProfileQuery, printProfileQuery } from './profile-query.ts';
import { ProfileStore } from './profile-store.ts';
import type { Subject } from './subject.ts';

/** Answers with a page, 200 unless told otherwise. */
type SendPage<E extends Env> = (context: Context<E>, markup: Child, status?: 200 | 400) => Response;

/** Adds the routes of all profiles of a subject. */
export function addProfileRoutes<E extends Env>(app: Hono<E>, subject: Subject, sendPage: SendPage<E>): void {
  const store = new ProfileStore(() => indexOf(subject.trace));
  const { title } = subject;
  const refuse = (context: Context<E>, complaints: readonly string[]): Response => {
    const nav = navigation(subject, 'profiles');
    return sendPage(context, <BadQuery id="profiles" complaints={complaints} nav={nav} />, 400);
  };
  app.get('/profiles', (context) => {
    const query = parseProfileQuery(paramsOf(context));
    if ('complaints' in query) return refuse(context, query.complaints);
    return sendPage(context, <Profiles {...{ title, query, store, nav: navigation(subject, 'profiles') }} />);
  });
  app.get('/profile', (context) => {
    const params = paramsOf(context);
    if (params.has(FORM_MARK)) return context.redirect(`/profile${addressOf(ofForm(params))}`, 302);
    const query = parseProfileQuery(params);
    if ('complaints' in query) return refuse(context, query.complaints);
    const kept = store.get(query);
    if (query.focus >= kept.tree.nodes.length) return refuse(context, [`There is no frame ${query.focus}.`]);
    return sendPage(
      context,
      <ProfilePage {...{ title, query, kept, nav: navigation(subject, 'profiles') }} />,
    );
  });
  app.get('/profile.pb.gz', (context) => {
    const query = parseProfileQuery(paramsOf(context));
    if ('complaints' in query) return context.text(query.complaints.join('\n'), 400);
    return context.body(encodePprof(store.get(query).profile).slice(), 200, {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${query.type}.pb.gz"`,
    });
  });
}

function paramsOf<E extends Env>(context: Context<E>): URLSearchParams {
  return new URL(context.req.url).searchParams;
}

/** The address that a submitted form asks for; as it is where that makes no sense, to be complained about there. */
function addressOf(given: URLSearchParams): string {
  const query = parseProfileQuery(given);
  return 'complaints' in query ? `?${given}` : printProfileQuery(query);
}
