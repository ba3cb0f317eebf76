/** Locks and channels between worker threads, on shared memory, which show in traces who waited for whom. */
export { Channel, type ChannelOptions, type CloneChannelOptions } from './channel.ts';
export type { TypedArrayClass } from './message-format.ts';
export { Mutex } from './mutex.ts';
export { Once } from './once.ts';
export { RWMutex } from './rw-mutex.ts';
export { Semaphore } from './semaphore.ts';
export type { SharedObject } from './shared-object.ts';
export { SyncError, type SyncErrorCode } from './sync-error.ts';
export { WaitGroup } from './wait-group.ts';
