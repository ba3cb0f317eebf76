/** The task that a row is about, called the same in every table: `task` is its name, `taskId` its number. */
import type { Column } from './table.ts';
import { taskLink, tasksOf } from './tasks.ts';
import type { TraceIndex } from './trace-index.ts';

/**
 * Both columns.
 * @param taskOf number of a row's task, 0 for none.
 * @param what which task it is, for the help texts: `the task that waited`.
 */
export function taskColumns<Row>(
  index: TraceIndex,
  taskOf: (row: Row) => number,
  what: string,
): Column<Row>[] {
  return [
    {
      id: 'task',
      title: 'Task',
      unit: 'text',
      help: `Name of ${what}.`,
      of: (row) => tasksOf(index).byNumber(taskOf(row))?.name ?? '',
    },
    {
      id: 'taskId',
      title: 'Task id',
      unit: 'number',
      help: `Number of ${what}: the filter task=#ID means it.`,
      of: (row) => taskOf(row) || undefined,
      linkOf: (row) => taskLink(taskOf(row)),
    },
  ];
}
