// TokenIssuer: an application that signs tokens for its users; node's own crypto, no library.
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';

const part = (value) => Buffer.from(value).toString('base64url');

export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

export class TokenIssuer {
  constructor(algorithm = 'EdDSA', kid) {
    this.header = { alg: algorithm, ...(kid ? { kid } : {}) };
    const kinds = { EdDSA: ['ed25519'], ES256: ['ec', { namedCurve: 'P-256' }], RS256: ['rsa', { modulusLength: 2048 }] };
    this.secret = `${Math.random()}`.padEnd(48, 'x');
    if (kinds[algorithm]) Object.assign(this, generateKeyPairSync(...kinds[algorithm]));
  }

  // What the broker is given.
  get keyFile() { return this.publicKey?.export({ type: 'spki', format: 'pem' }) ?? this.secret; }
  get jwk() {
    const key = this.publicKey?.export({ format: 'jwk' }) ?? { kty: 'oct', k: part(this.secret) };
    return { ...key, ...(this.header.kid ? { kid: this.header.kid } : {}), use: 'sig' };
  }

  token(channels, { seconds = 600, ...claims } = {}) {
    const text = `${part(JSON.stringify(this.header))}.${part(JSON.stringify({ exp: inSeconds(seconds), channels, ...claims }))}`;
    return `${text}.${this.signature(text).toString('base64url')}`;
  }

  signature(text) {
    if (!this.privateKey) return createHmac('sha256', this.secret).update(text).digest();
    return sign(this.header.alg === 'EdDSA' ? null : 'sha256', Buffer.from(text),
      { key: this.privateKey, dsaEncoding: 'ieee-p1363' });
  }
}
