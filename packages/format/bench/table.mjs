export * from '@ttrace/bench';
