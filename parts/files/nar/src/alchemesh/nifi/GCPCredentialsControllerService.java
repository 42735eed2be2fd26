package alchemesh.nifi;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.Tags;
import org.apache.nifi.annotation.lifecycle.OnEnabled;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.controller.AbstractControllerService;
import org.apache.nifi.controller.ConfigurationContext;
import org.apache.nifi.processor.exception.ProcessException;

/**
 * A service account by its key, as NiFi's service of that name has it; without a key, nobody, which emulators accept.
 * The exchange of a signed assertion for a token: https://developers.google.com/identity/protocols/oauth2/service-account
 */
@Tags({"gcp", "credentials"})
@CapabilityDescription("A Google service account, by its key.")
public class GCPCredentialsControllerService extends AbstractControllerService implements GoogleCredentials {

    static final PropertyDescriptor KEY =
        Properties.text("service-account-json", "Service Account JSON").sensitive(true).build();
    static final PropertyDescriptor DEFAULT = Properties.choice(
        "application-default-credentials", "Use Application Default Credentials", "false", "true", "false").build();

    private static final String SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
    private static final int LIFETIME_SECONDS = 3600;
    private static final int RENEW_SECONDS = 300; // before its end

    private final HttpClient http = HttpClient.newHttpClient();
    private String key;
    private String token;
    private Instant renewAt = Instant.MIN;

    @Override
    protected List<PropertyDescriptor> getSupportedPropertyDescriptors() {
        return List.of(DEFAULT, KEY);
    }

    @OnEnabled
    public synchronized void enable(ConfigurationContext context) {
        key = context.getProperty(KEY).getValue();
        token = null;
        renewAt = Instant.MIN;
    }

    @Override
    public synchronized String token() {
        if (key == null || !key.contains("private_key")) {
            return null;
        }
        if (Instant.now().isAfter(renewAt)) {
            try {
                token = exchange();
                renewAt = Instant.now().plusSeconds(LIFETIME_SECONDS - RENEW_SECONDS);
            } catch (IOException | GeneralSecurityException error) {
                throw new ProcessException("no token for the service account: " + error.getMessage(), error);
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
                throw new ProcessException(error);
            }
        }
        return token;
    }

    private String exchange() throws IOException, InterruptedException, GeneralSecurityException {
        String tokenUri = field("token_uri", key);
        long now = Instant.now().getEpochSecond();
        String claims = String.format("{\"iss\":\"%s\",\"scope\":\"%s\",\"aud\":\"%s\",\"iat\":%d,\"exp\":%d}",
            field("client_email", key), SCOPE, tokenUri, now, now + LIFETIME_SECONDS);
        String signed = encode("{\"alg\":\"RS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8)) + "."
            + encode(claims.getBytes(StandardCharsets.UTF_8));
        String pem = field("private_key", key).replace("\\n", "").replaceAll("-----[A-Z ]+-----|\\s", "");
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(KeyFactory.getInstance("RSA")
            .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem))));
        signature.update(signed.getBytes(StandardCharsets.UTF_8));
        String form = "grant_type=" + URLEncoder.encode("urn:ietf:params:oauth:grant-type:jwt-bearer", StandardCharsets.UTF_8)
            + "&assertion=" + signed + "." + encode(signature.sign());
        HttpResponse<String> answer = http.send(HttpRequest.newBuilder(URI.create(tokenUri))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString(form)).build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException("HTTP " + answer.statusCode());
        }
        return field("access_token", answer.body());
    }

    private static String field(String name, String json) throws IOException {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
        if (!found.find()) {
            throw new IOException("there is no " + name);
        }
        return found.group(1);
    }

    private static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
