/** The profiles that a trace has, each with its total. */
import { counted, PROFILES, timeText } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import type { Navigation } from '../navigation.ts';
import { type ProfileQuery, printProfileQuery } from '../profile-query.ts';
import type { ProfileStore } from '../profile-store.ts';
import { Layout } from './layout.tsx';

interface ProfilesProps {
  /** What the trace is called. */
  readonly title: string;
  readonly query: ProfileQuery;
  readonly store: ProfileStore;
  readonly nav: Navigation;
}

/** Renders the list. */
export function Profiles({ title, query, store, nav }: ProfilesProps): Child {
  return (
    <Layout title={`Profiles · ${title} · ttrace`} nav={nav}>
      <main>
        <h1>Profiles</h1>
        <p class="help">
          Where time went, by stack: as flame graphs here, as files for go tool pprof, and on the command line
          with ttrace pprof.
        </p>
        <div class="cards">
          {PROFILES.map(({ type, title: name, summary, noun }) => {
            const { profile } = store.get({ ...query, type });
            const isEmpty = profile.samples.length === 0;
            return (
              <article>
                <h3>
                  <a href={`/profile${printProfileQuery({ ...query, type })}`}>{name}</a>{' '}
                  <small>
                    {isEmpty ? 'nothing' : `${timeText(profile.nanos)}, ${counted(profile.count, noun)}`}
                  </small>
                </h3>
                <p>{summary}</p>
              </article>
            );
          })}
        </div>
      </main>
    </Layout>
  );
}
