/** A local, offline viewer for traces: a small web server around a bundled Perfetto UI. */
export { htmlReport, type ReportOptions } from './report.tsx';
export { startViewer, type Viewer, type ViewerOptions } from './start-viewer.ts';
export { formatTime } from './time-text.ts';
export { type TimeSpan, timelinePath } from './timeline-path.ts';
