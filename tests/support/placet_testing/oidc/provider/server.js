// A certified OpenID provider on loopback: people sign in by any password, groups come from the command line.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

const { port, redirects, groups, audience } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };
}

function claimsOf(id) {
  return { sub: id, name: `${id} of the provider`, email: `${id}@example.com`, email_verified: true, groups: groups[id] ?? [] };
}

function made() {
  return new Provider(issuer, {
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
  } else {
    answer(request, response);
  }
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
