/** The functions of Node.js whose work is done by its thread pool. What a version does not have is passed over. */

/** With paths as well as with file descriptors. Those of them that are done in several steps are made of others of them. */
export const FILES: readonly string[] = words(`
  access appendFile chmod chown close copyFile cp exists fchmod fchown fdatasync fstat fsync ftruncate futimes lchown link lstat
  lutimes mkdir mkdtemp open opendir read readFile readdir readlink readv realpath rename rm rmdir stat statfs symlink truncate
  unlink utimes write writeFile writev`);

export const FILES_WITH_PROMISES: readonly string[] = words(`
  access appendFile chmod chown copyFile cp lchown link lstat lutimes mkdir mkdtemp open opendir readFile readdir readlink
  realpath rename rm rmdir stat statfs symlink truncate unlink utimes writeFile`);

export const FILE_HANDLE: readonly string[] = words(`
  appendFile chmod chown datasync read readFile readv stat sync truncate utimes write writeFile writev`);

/** Those that take a callback; without one they do their work at once. */
export const CRYPTO: readonly string[] = words(`
  argon2 checkPrime decapsulate diffieHellman encapsulate generateKey generateKeyPair generatePrime hkdf pbkdf2 randomBytes
  randomFill scrypt sign verify`);

export const SUBTLE_CRYPTO: readonly string[] = words(`
  decapsulateBits decapsulateKey decrypt deriveBits deriveKey digest encapsulateBits encapsulateKey encrypt generateKey sign
  unwrapKey verify wrapKey`);

/** Resolving by DNS servers (`resolve4` and so on) does not need the pool. */
export const LOOKUPS: readonly string[] = ['lookup', 'lookupService'];

/** Those that are made of several of the others. */
export const WITH_STEPS: ReadonlySet<string> = new Set(
  words('fs.appendFile fs.cp fs.exists fs.realpath fs.rm fs.truncate fs.writeFile'),
);

/** The method of compressing streams that hands a chunk to the pool. */
export const COMPRESS = '_transform';

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
