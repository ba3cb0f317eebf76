/** The worst that the rules found, in sentences: what is wrong, what to do, and links to the moment and to all cases. */
import type { Finding, TableLink } from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import type { Links } from '../links.ts';

/** Most that the home page shows; all are on the page `lint`. */
const MAX_SHOWN = 6;

interface InsightsProps {
  /** Undefined while they are being looked for. */
  readonly findings: readonly Finding[] | undefined;
  readonly links: Links;
}

/** Renders the section. */
export function Insights({ findings, links }: InsightsProps): Child {
  return (
    <section aria-labelledby="insights">
      <h2 id="insights">What to look at first</h2>
      {findings === undefined ? (
        <p role="status">Looking for it. This page shows it in a moment.</p>
      ) : (
        <Worst findings={findings} links={links} />
      )}
    </section>
  );
}

function Worst({ findings, links }: { findings: readonly Finding[]; links: Links }): Child {
  const more = findings.length - MAX_SHOWN;
  return (
    <>
      {findings.length === 0 && <p>No rule found anything wrong in this trace.</p>}
      <ol class="insights">
        {findings.slice(0, MAX_SHOWN).map((finding) => (
          <Insight finding={finding} links={links} />
        ))}
      </ol>
      {more > 0 && (
        <p class="more">
          and <a href={links.page('lint')}>{more} more</a>
        </p>
      )}
    </>
  );
}

function Insight({ finding, links }: { finding: Finding; links: Links }): Child {
  const { severity, sentence, advice, worst, link, also } = finding;
  const timeline = worst === undefined ? undefined : links.timeline(worst);
  const cases = link === undefined ? undefined : links.page(link.page, { filter: link.filter });
  return (
    <li class={`insight ${severity}`}>
      <p>
        <strong class="severity">{severity}</strong> {sentence}
      </p>
      <p class="advice">
        {advice}{' '}
        {timeline !== undefined && (
          <a href={timeline} aria-label={`Show on the timeline: ${sentence}`}>
            timeline
          </a>
        )}{' '}
        {cases !== undefined && (
          <a href={cases} aria-label={`${casesText(link)}: ${sentence}`}>
            {casesText(link)}
          </a>
        )}
        {also.map(({ text, link: { page, filter } }) => {
          const href = links.page(page, { filter });
          return (
            href !== undefined && (
              <>
                {' '}
                <a href={href}>{text}</a>
              </>
            )
          );
        })}
      </p>
    </li>
  );
}

/** What a link of a finding leads to: of a task it is the path of the worst one. */
function casesText(link: TableLink | undefined): string {
  return link?.page === 'critical-path' ? 'critical path' : 'all cases';
}
