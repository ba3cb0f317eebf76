/** What stands above the events of one task: its place among others, its threads, what it spent its time on, and ways to look closer. */
import {
  cellText,
  type TaskOverview as Overview,
  shareText,
  type Task,
  timeText,
  visibleText,
} from '@ttrace/analysis';
import type { Child } from 'hono/jsx';
import type { Links } from '../links.ts';
import { taskTimelinePath } from '../timeline-path.ts';

interface TaskOverviewProps {
  readonly overview: Overview;
  readonly links: Links;
}

/** Deeper trees, and more subtasks of one task, are cut. */
const MAX_DEPTH = 8;
const MAX_CHILDREN = 50;
/** Characters of an attribute. */
const MAX_VALUE = 4000;

/** Renders the part of the page. */
export function TaskOverview({ overview, links }: TaskOverviewProps): Child {
  const { task, ancestors, attributes, threads, tasks } = overview;
  const length = task.end - task.start;
  return (
    <section class="overview" aria-label="The task at a glance">
      {ancestors.length > 0 && (
        <p>
          In{' '}
          {ancestors.map((each) => (
            <>
              <TaskLink task={each} links={links} /> ›{' '}
            </>
          ))}
          {task.name}
        </p>
      )}
      <p>
        {timeText(length)}
        {task.isComplete ? '' : ' so far: it has no end in the trace'} on{' '}
        {threads.length === 0 ? 'no thread that is recorded' : threads.join(', ')}.{' '}
        {links.isLive && <a href={taskTimelinePath(task.number)}>timeline of this task alone</a>}
      </p>
      {attributes.length > 0 && (
        <dl class="attributes">
          {attributes.map(([name, value]) => (
            <div>
              <dt>{visibleText(name)}</dt>
              <dd>{cellText(value, MAX_VALUE)}</dd>
            </div>
          ))}
        </dl>
      )}
      <TimeOfTask overview={overview} length={length} />
      {tasks > 1 && (
        <details open={tasks <= 20}>
          <summary>{tasks - 1} subtasks</summary>
          <Subtasks task={task} links={links} depth={0} />
        </details>
      )}
    </section>
  );
}

const KINDS = {
  running: 'running code',
  waiting: 'waiting for locks, queues, pools',
  async: 'awaiting what is recorded',
  message: 'messages on their way',
  gap: 'nothing recorded',
} as const;

function TimeOfTask({ overview, length }: { overview: Overview; length: number }): Child {
  const parts = Object.entries(KINDS)
    .map(([kind, text]) => ({ text, time: overview.time[kind as keyof typeof KINDS] }))
    .filter(({ time }) => time > 0)
    .sort((a, b) => b.time - a.time);
  if (parts.length === 0 || length <= 0) return null;
  return (
    <p>
      Its time, along the critical path:{' '}
      {parts.map(({ text, time }) => `${text} ${timeText(time)} (${shareText(time / length)})`).join(', ')}.
    </p>
  );
}

function Subtasks({ task, links, depth }: { task: Task; links: Links; depth: number }): Child {
  const more = task.children.length - MAX_CHILDREN;
  return (
    <ul class="tree">
      {task.children.slice(0, MAX_CHILDREN).map((child) => (
        <li>
          <TaskLink task={child} links={links} /> <small>{timeText(child.end - child.start)}</small>
          {child.children.length > 0 && depth < MAX_DEPTH && (
            <Subtasks task={child} links={links} depth={depth + 1} />
          )}
        </li>
      ))}
      {more > 0 && <li>and {more} more</li>}
    </ul>
  );
}

function TaskLink({ task, links }: { task: Task; links: Links }): Child {
  return (
    <a href={links.page('task', { filter: { task: `#${task.number}` } })}>
      {task.name} #{task.number}
    </a>
  );
}
