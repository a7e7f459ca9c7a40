// A certified OpenID provider on loopback: people sign in by any password, groups come from the command line.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

const { host, port, redirects, groups, audience } = JSON.parse(process.argv[2]);
const issuer = `http://${host}:${port}`;

/** All that the provider remembers; of a kind of its own, so that a test can let time pass for who has signed in. */
const kept = new Map();

class Memory {
  constructor(kind) {
    this.kind = kind;
  }
  async upsert(id, payload) {
    kept.set(`${this.kind}:${id}`, payload);
  }
  async find(id) {
    return kept.get(`${this.kind}:${id}`);
  }
  async findByUid(uid) {
    return [...kept.values()].find((payload) => payload.uid === uid && payload.kind === this.kind);
  }
  async findByUserCode() {
    return undefined;
  }
  async destroy(id) {
    kept.delete(`${this.kind}:${id}`);
  }
  async consume(id) {
    kept.get(`${this.kind}:${id}`).consumed = Math.floor(Date.now() / 1000);
  }
  async revokeByGrantId(grant) {
    for (const [name, payload] of kept) if (payload.grantId === grant) kept.delete(name);
  }
}

/** Makes every sign-in so much older. */
function age(seconds) {
  for (const payload of kept.values()) if (payload.loginTs) payload.loginTs -= seconds;
}

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

function claimsOf(id) {
  return { sub: id, name: `${id} of the provider`, email: `${id}@example.com`, email_verified: true, groups: groups[id] ?? [] };
}

function made() {
  return new Provider(issuer, {
    adapter: Memory,
    jwks: { keys: [newKey()] },
    clients: [
      {
        client_id: 'placet',
        client_secret: 'a secret of the tests',
        redirect_uris: redirects.map((base) => `${base}/sign-in/callback`),
        post_logout_redirect_uris: redirects.map((base) => `${base}/sign-in`),
      },
      {
        client_id: 'robot',
        client_secret: 'another one',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    cookies: { keys: ['of the tests'] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({ accountId: id, claims: () => claimsOf(id) }),
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'api', audience, accessTokenFormat: 'jwt', accessTokenTTL: 300 }),
      },
    },
  });
}

let answer = made().callback();
const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/rotate') {
    answer = made().callback();
    response.writeHead(204).end();
  } else if (request.method === 'POST' && request.url.startsWith('/age/')) {
    age(Number(request.url.slice('/age/'.length)));
    response.writeHead(204).end();
  } else {
    answer(request, response);
  }
});
server.listen(port, host, () => console.log('ready'));
