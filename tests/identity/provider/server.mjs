// A real OpenID Connect provider on loopback: node server.mjs CONFIGURATION, a JSON file with port and keys.
// Whoever signs in is who the login hint says, without a password; the rest is the provider's own.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const installed = createRequire(`${process.cwd()}/`);
const { default: Provider } = await import(pathToFileURL(installed.resolve("oidc-provider")));
const { port, jwks, clients } = JSON.parse(readFileSync(process.argv[2]));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks,
  clients,
  conformIdTokenClaims: false, // the email is in the token itself, as companies set it up
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: !id.startsWith("unverified") }),
  }),
});

// Signs in and agrees to everything that a client asks for, in one step.
provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  const { params, prompt, grantId } = await provider.interactionDetails(context.req, context.res);
  if (prompt.name === "login") {
    return provider.interactionFinished(context.req, context.res, {
      login: { accountId: params.login_hint ?? "amelia@airport.example" },
    });
  }
  const session = context.oidc?.session ?? (await provider.Session.get(context));
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope("openid email");
  return provider.interactionFinished(
    context.req,
    context.res,
    { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true },
  );
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
