// A certified provider on loopback. CONFIG is JSON: port, redirect_uri, signed_out_uri, signs_out, accounts (claims by login),
// code_seconds.
import Provider from "oidc-provider";

const config = JSON.parse(process.env.CONFIG);
const names = [...new Set(Object.values(config.accounts).flatMap((claims) => Object.keys(claims)))];
const provider = new Provider(`http://127.0.0.1:${config.port}`, {
  clients: [{
    client_id: "rondblik",
    client_secret: "geheim",
    redirect_uris: [config.redirect_uri],
    post_logout_redirect_uris: [config.signed_out_uri],
    token_endpoint_auth_method: "client_secret_post",
  }],
  claims: { openid: ["sub"], profile: names },
  cookies: { keys: ["test"] },
  findAccount: async (_context, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, ...config.accounts[id] }),
  }),
  features: { rpInitiatedLogout: { enabled: config.signs_out } },
  pkce: { required: () => true },
  ttl: { AuthorizationCode: config.code_seconds, AccessToken: 600, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
});
provider.listen(config.port, "127.0.0.1", () => console.log("ready"));
