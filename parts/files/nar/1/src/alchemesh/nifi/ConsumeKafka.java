package alchemesh.nifi;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.nifi.annotation.behavior.InputRequirement;
import org.apache.nifi.annotation.behavior.TriggerSerially;
import org.apache.nifi.annotation.documentation.CapabilityDescription;
import org.apache.nifi.annotation.documentation.Tags;
import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.processor.ProcessContext;

/** Reads a topic as NiFi 1's ConsumeKafka_2_6 does, with the same properties. */
@TriggerSerially
@InputRequirement(InputRequirement.Requirement.INPUT_FORBIDDEN)
@Tags({"Kafka", "Consume"})
@CapabilityDescription("Consumes events of a Kafka topic, at least once.")
public class ConsumeKafka extends Consumer {

    static final PropertyDescriptor SERVERS = Properties.required("bootstrap.servers", "Kafka Brokers");
    static final PropertyDescriptor TOPIC = Properties.required("topic", "Topic Name(s)");
    static final PropertyDescriptor GROUP = Properties.required("group.id", "Group ID");
    static final PropertyDescriptor RESET =
        Properties.choice("auto.offset.reset", "Offset Reset", "latest", "earliest", "latest", "none").build();
    static final PropertyDescriptor DEMARCATOR = Properties.text("message-demarcator", "Message Demarcator").build();
    static final PropertyDescriptor MAX_RECORDS =
        Properties.text("max.poll.records", "Max Poll Records").defaultValue("10000").build();
    static final PropertyDescriptor PROTOCOL = Properties.choice("security.protocol", "Security Protocol", "PLAINTEXT",
        "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL").build();
    static final PropertyDescriptor MECHANISM = Properties.choice("sasl.mechanism", "SASL Mechanism", "GSSAPI",
        "GSSAPI", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512").build();
    static final PropertyDescriptor USERNAME = Properties.text("sasl.username", "Username").build();
    static final PropertyDescriptor PASSWORD = Properties.text("sasl.password", "Password").sensitive(true).build();

    @Override
    protected List<PropertyDescriptor> getSupportedPropertyDescriptors() {
        return List.of(SERVERS, PROTOCOL, MECHANISM, USERNAME, PASSWORD, TOPIC, GROUP, RESET, DEMARCATOR, MAX_RECORDS);
    }

    @Override
    protected String demarcator(ProcessContext context) {
        return context.getProperty(DEMARCATOR).getValue();
    }

    @Override
    protected KafkaConsumer<byte[], byte[]> connect(ProcessContext context) {
        Map<String, Object> settings = new HashMap<>();
        for (PropertyDescriptor property : List.of(SERVERS, GROUP, RESET, MAX_RECORDS, PROTOCOL)) {
            settings.put(property.getName(), context.getProperty(property).getValue());
        }
        if (context.getProperty(PROTOCOL).getValue().startsWith("SASL")) {
            Events.logIn(settings, context.getProperty(MECHANISM).getValue(), context.getProperty(USERNAME).getValue(),
                context.getProperty(PASSWORD).getValue());
        }
        return Events.consumer(settings, List.of(context.getProperty(TOPIC).getValue().split("\\s*,\\s*")));
    }
}
