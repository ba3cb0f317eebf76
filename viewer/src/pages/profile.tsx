/** The page of a profile: a flame graph, the functions under it, which part of the trace it is of, and the file for `go tool pprof`. */
import {
  counted,
  functionsTable,
  PROFILES,
  type ProfileQuestion,
  shareText,
  timeText,
} from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import type { Navigation } from '../navigation.ts';
import { type ProfileQuery, printProfileQuery } from '../profile-query.ts';
import type { KeptProfile } from '../profile-store.ts';
import { FlameGraph } from './flame-graph.tsx';
import { Layout } from './layout.tsx';
import { PlainTable } from './plain-table.tsx';
import { ProfileFilter } from './profile-filter.tsx';

export interface ProfilePageProps {
  /** What the trace is called. */
  readonly title: string;
  readonly query: ProfileQuery;
  readonly kept: KeptProfile;
  readonly nav: Navigation;
}

/** Renders the page. */
export function ProfilePage({ title, query, kept, nav }: ProfilePageProps): Child {
  const question = PROFILES.find(({ type }) => type === query.type)!;
  const { profile } = kept;
  return (
    <Layout title={`${question.title} · profile · ${title} · ttrace`} nav={nav}>
      <link rel="stylesheet" href="/assets/profile.css" />
      <main>
        <h1>{question.title}</h1>
        <Types query={query} />
        <p class="help">{question.help}</p>
        <ProfileFilter query={query} />
        {profile.samples.length === 0 ? (
          <p class="nothing">Nothing in this trace, or in the part of it that was asked for.</p>
        ) : (
          <Content query={query} kept={kept} question={question} />
        )}
      </main>
    </Layout>
  );
}

/** The four profiles of the same part of the trace. */
function Types({ query }: { readonly query: ProfileQuery }): Child {
  return (
    <ul class="views" aria-label="Profiles">
      {PROFILES.map(({ type, title }) => (
        <li>
          <a
            href={`/profile${printProfileQuery({ ...query, type, focus: 0 })}`}
            aria-current={type === query.type ? 'page' : undefined}
          >
            {title}
          </a>
        </li>
      ))}
    </ul>
  );
}

interface ContentProps extends Pick<ProfilePageProps, 'query' | 'kept'> {
  readonly question: ProfileQuestion;
}

function Content({ query, kept, question }: ContentProps): Child {
  const { profile, tree } = kept;
  const focus = tree.nodes[query.focus] ?? tree.root;
  const linkTo = (id: number): string => `/profile${printProfileQuery({ ...query, focus: id })}`;
  return (
    <>
      <p class="row-count">
        <span>
          {counted(profile.count, question.noun)}, {timeText(profile.nanos)}
          {focus.id > 0 && (
            <>
              , of which {timeText(focus.nanos)} ({shareText(focus.nanos / profile.nanos)}) shown:{' '}
              <a href={linkTo(0)}>show all</a>
            </>
          )}
        </span>
        <span class="files">
          <a
            href={`/profile.pb.gz${printProfileQuery({ ...query, focus: 0 })}`}
            download={`${query.type}.pb.gz`}
          >
            {query.type}.pb.gz for go tool pprof
          </a>
        </span>
      </p>
      <FlameGraph kept={kept} focus={focus.id} noun={question.noun} linkTo={linkTo} />
      <Functions kept={kept} />
    </>
  );
}

/** More help nobody. */
const MAX_ROWS = 200;

function Functions({ kept: { profile } }: { readonly kept: KeptProfile }): Child {
  return (
    <>
      <h2>Functions</h2>
      <PlainTable table={functionsTable(profile)} maxRows={MAX_ROWS} restIs="all of them in the file" />
    </>
  );
}
