package alchemesh.nifi;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.nifi.annotation.behavior.InputRequirement;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.Tags;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.flowfile.FlowFile;
import org.apache.nifi.processor.AbstractProcessor;
import org.apache.nifi.processor.ProcessContext;
import org.apache.nifi.processor.ProcessSession;
import org.apache.nifi.processor.Relationship;
import org.apache.nifi.processor.exception.ProcessException;

/** Writes a flow file as an object, as NiFi's PutGCSObject does, with the same properties, by the JSON API. */
@InputRequirement(InputRequirement.Requirement.INPUT_REQUIRED)
@Tags({"google", "gcs", "put"})
@CapabilityDescription("Writes the contents of a flow file as an object of Google Cloud Storage.")
public class PutGCSObject extends AbstractProcessor {

    static final PropertyDescriptor CREDENTIALS = new PropertyDescriptor.Builder()
        .name("gcp-credentials-provider-service")
        .displayName("GCP Credentials Provider Service")
        .description("GCP Credentials Provider Service")
        .identifiesControllerService(GoogleCredentials.class)
        .required(true)
        .build();
    static final PropertyDescriptor BUCKET = Properties.perFlowFile("gcs-bucket", "Bucket", "${gcs.bucket}", true);
    static final PropertyDescriptor KEY = Properties.perFlowFile("gcs-key", "Key", "${filename}", true);
    static final PropertyDescriptor CONTENT_TYPE =
        Properties.perFlowFile("gcs-content-type", "Content Type", "${mime.type}", false);
    static final PropertyDescriptor GZIP = Properties.choice(
        "gzip.content.enabled", "GZIP Compression Enabled", "true", "true", "false").build();
    static final PropertyDescriptor URL = Properties.text("storage-api-url", "Storage API URL").build();

    static final Relationship SUCCESS = new Relationship.Builder().name("success").description("Written").build();
    static final Relationship FAILURE = new Relationship.Builder().name("failure").description("Not written").build();

    private static final String GOOGLE = "https://storage.googleapis.com";
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final Duration UPLOAD = Duration.ofMinutes(2);

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(CONNECT).build();

    @Override
    protected List<PropertyDescriptor> getSupportedPropertyDescriptors() {
        return List.of(CREDENTIALS, BUCKET, KEY, CONTENT_TYPE, GZIP, URL);
    }

    @Override
    public Set<Relationship> getRelationships() {
        return Set.of(SUCCESS, FAILURE);
    }

    @Override
    public void onTrigger(ProcessContext context, ProcessSession session) throws ProcessException {
        FlowFile file = session.get();
        if (file == null) {
            return;
        }
        String bucket = context.getProperty(BUCKET).evaluateAttributeExpressions(file).getValue();
        String key = context.getProperty(KEY).evaluateAttributeExpressions(file).getValue();
        try {
            String type = context.getProperty(CONTENT_TYPE).evaluateAttributeExpressions(file).getValue();
            upload(context, session, file, bucket, key, type == null || type.isEmpty() ? "application/octet-stream" : type);
            file = session.putAllAttributes(file, Map.of("gcs.bucket", bucket, "gcs.key", key));
            session.getProvenanceReporter().send(file, "gs://" + bucket + "/" + key);
            session.transfer(file, SUCCESS);
        } catch (IOException | ProcessException error) {
            getLogger().error("Could not write gs://{}/{}: {}", new Object[] {bucket, key, error.toString()});
            session.transfer(session.penalize(file), FAILURE);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new ProcessException(error);
        }
    }

    private void upload(ProcessContext context, ProcessSession session, FlowFile file, String bucket, String key, String type)
        throws IOException, InterruptedException {
        String base = context.getProperty(URL).isSet() ? context.getProperty(URL).getValue() : GOOGLE;
        URI target = URI.create(base + "/upload/storage/v1/b/" + encode(bucket) + "/o?uploadType=media&name=" + encode(key));
        HttpRequest.Builder request = HttpRequest.newBuilder(target).timeout(UPLOAD).header("Content-Type", type);
        String token = context.getProperty(CREDENTIALS).asControllerService(GoogleCredentials.class).token();
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        byte[] content;
        try (InputStream in = session.read(file)) {
            content = in.readAllBytes();
        }
        HttpResponse<String> answer = http.send(
            request.POST(HttpRequest.BodyPublishers.ofByteArray(content)).build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException("HTTP " + answer.statusCode() + " " + answer.body());
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
