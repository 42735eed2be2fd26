package alchemesh.nifi.kafka3;

import alchemesh.nifi.Events;
import alchemesh.nifi.Properties;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.Tags;
import org.apache.nifi.annotation.lifecycle.OnEnabled;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.controller.AbstractControllerService;
import org.apache.nifi.controller.ConfigurationContext;
import org.apache.nifi.ssl.SSLContextService;

/** Connections to brokers as NiFi 2's Kafka3ConnectionService makes them, with the same properties. */
@Tags({"Kafka", "Connection"})
@CapabilityDescription("Connections to Kafka brokers.")
public class Kafka3ConnectionService extends AbstractControllerService implements KafkaConnection {

    static final PropertyDescriptor SERVERS = Properties.required("bootstrap.servers", "Bootstrap Servers");
    static final PropertyDescriptor PROTOCOL = Properties.choice("security.protocol", "Security Protocol", "PLAINTEXT",
        "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL").build();
    static final PropertyDescriptor MECHANISM = Properties.choice("sasl.mechanism", "SASL Mechanism", "GSSAPI",
        "GSSAPI", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512").build();
    static final PropertyDescriptor USERNAME = Properties.text("sasl.username", "SASL Username").required(true)
        .dependsOn(MECHANISM, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512").build();
    static final PropertyDescriptor PASSWORD = Properties.text("sasl.password", "SASL Password").required(true).sensitive(true)
        .dependsOn(MECHANISM, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512").build();
    static final PropertyDescriptor TLS = new PropertyDescriptor.Builder()
        .name("SSL Context Service")
        .description("SSL Context Service")
        .identifiesControllerService(SSLContextService.class)
        .build();
    static final PropertyDescriptor MAX_RECORDS =
        Properties.text("max.poll.records", "Max Poll Records").required(true).defaultValue("10000").build();

    private final Map<String, Object> settings = new HashMap<>();

    @Override
    protected List<PropertyDescriptor> getSupportedPropertyDescriptors() {
        return List.of(SERVERS, PROTOCOL, MECHANISM, USERNAME, PASSWORD, TLS, MAX_RECORDS);
    }

    @OnEnabled
    public synchronized void enable(ConfigurationContext context) {
        settings.clear();
        for (PropertyDescriptor property : List.of(SERVERS, MAX_RECORDS, PROTOCOL)) {
            settings.put(property.getName(), context.getProperty(property).getValue());
        }
        if (context.getProperty(PROTOCOL).getValue().startsWith("SASL")) {
            Events.logIn(settings, context.getProperty(MECHANISM).getValue(), context.getProperty(USERNAME).getValue(),
                context.getProperty(PASSWORD).getValue());
        }
    }

    @Override
    public synchronized KafkaConsumer<byte[], byte[]> consumer(String group, String reset, List<String> topics) {
        Map<String, Object> own = new HashMap<>(settings);
        own.put("group.id", group);
        own.put("auto.offset.reset", reset);
        return Events.consumer(own, topics);
    }
}
