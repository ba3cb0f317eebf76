/** Pure functions from a trace to answers. */

export { DEFAULT_STOPS, STOPS, type Stop } from './availability.ts';
export { type BlockStats, blockStats } from './blocks.ts';
export { type Budget, type BudgetResult, budgetsTable, checkBudgets } from './budgets.ts';
export type { CounterStats } from './counter-stats.ts';
export { type CriticalPath, criticalPath, type Step } from './critical-path.ts';
export { DIFF_METRICS, type DiffMetric, type DiffOptions, type DiffRow, diffTable } from './diff-table.ts';
export { enclosingSlices } from './enclosing-slices.ts';
export { FILTER_NAMES, type Filter, isNarrowing, isThreadWanted, rowFilter } from './filter.ts';
export { type Finding, isAtLeast, type Rule, type Severity } from './finding.ts';
export { findingSteps, findingsOf, RULES } from './findings.ts';
export { findingsTable } from './findings-table.ts';
export { type FlameNode, type FlameTree, flameTree } from './flame-tree.ts';
export { type Bucket, bucketBounds, type Histogram, histogramOf } from './histogram.ts';
export { findingsMarkdown, markdownReport, REPORT_CHARACTERS } from './markdown-report.ts';
export { type NameStats, percentile, statsByName } from './name-stats.ts';
export type { Profile, ProfileLabels, ProfileSample, ProfileType, ValueType } from './profile.ts';
export { firefoxFile } from './profile-files/firefox.ts';
export type { ProfileFile } from './profile-files/profile-file.ts';
export { speedscopeFile } from './profile-files/speedscope.ts';
export { type FunctionRow, foldedLines, functionsTable } from './profile-table.ts';
export { PROFILES, type ProfileOptions, type ProfileQuestion, profileOf } from './profiles.ts';
export { bytesText, counted, countText, shareText, timeText, valueText } from './quantity.ts';
export type {
  Relation,
  RelationBatch,
  RelationColumn,
  RelationType,
  RelationValue,
} from './relations/relation.ts';
export { RELATION_VIEWS, RELATIONS, type RelationView } from './relations/relations.ts';
export { type SpanRow, spansOf, spansTable, spansWithId, traceFilter } from './spans-table.ts';
export { type Frame, frameText, placeText } from './stack-frame.ts';
export { stateTitle } from './state-columns.ts';
export { type EventCount, type LostPart, type Summary, summarize } from './summary.ts';
export {
  type Cell,
  type Column,
  type Span,
  sortedBy,
  type Table,
  type TableLink,
  type Unit,
} from './table.ts';
export {
  csvLines,
  markdownLines,
  markdownText,
  tableLines,
  tableObjects,
  unitText,
  usedColumns,
} from './table-text.ts';
export { TABLES, type TableQuestion } from './tables.ts';
export type { TaskOverview } from './task-overview.ts';
export { rowsOfTasks, tasksCalled } from './task-rows.ts';
export { chosenTask } from './task-tables.ts';
export { type Task, tasksOf, withDescendants } from './tasks.ts';
export { alignedLines, cellText, type TextColumn, visibleText } from './text-columns.ts';
export { type ThreadActivity, threadActivity } from './thread-activity.ts';
export { type StateTimes, THREAD_STATES, type ThreadState, threadTimeline } from './thread-states.ts';
export { type ThreadRow, threadsTable } from './threads-table.ts';
export { indexOf, type Thread, type TraceIndex } from './trace-index.ts';
export { type FiredTrigger, firedTriggers } from './triggers.ts';
export {
  roundWindowLengths,
  type Utilization,
  type UtilizationPoint,
  utilizationCurve,
  utilizationOf,
  windowLengths,
} from './utilization.ts';
export { type Heatmap, type HeatmapRow, utilizationHeatmap } from './utilization-heatmap.ts';
export {
  causesText,
  UTILIZATION_HELP,
  utilizationTable,
  type WorstWindow,
  worstWindowsOf,
  worstWindowsTable,
} from './utilization-tables.ts';
export { type WhereResult, whereRows } from './where.ts';
export type { Cause } from './window-causes.ts';
